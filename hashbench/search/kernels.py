"""Kernels that make bit planes and count distances, 512 items at a time; numba compiles each at its first call."""

from typing import Any

import numpy as np
from numba import prange

from hashbench.search.layout import BLOCK_TILES, GROUP_DISTANCES, LANES, TILE_ITEMS
from hashbench.search.numba_cache import compiled, entry_point, parallel_entry_point
from hashbench.search.simd_add import add_planes
from hashbench.search.simd_popcount import count_group_relevant, high_mask, low_masks, popcount_both
from hashbench.search.simd_select import bytes_to_bitmask, mark_class

ZERO = np.uint64(0)
_HITS_SHIFT = np.uint64(32)  # of relevant items in a number that holds all items below them
_ITEMS_MASK = np.uint64(0xFFFFFFFF)


@compiled
def aligned_words(count: int) -> Any:
    """Uint64 [count, LANES], each row in one line of the cache; the content is undefined."""
    words = np.empty(LANES * (count + 1), dtype=np.uint64)
    first = -(words.ctypes.data // 8) % LANES
    return words[first : first + LANES * count].reshape((count, LANES))


@entry_point
def transpose(packed: Any, bits: Any, words: Any) -> None:
    """Put bits of bytes, uint8 [n, width], into planes [tiles, len(bits) * width, LANES], a row for each.

    ``bits``, uint8, are masks of the bits of each byte to take, in the order of their rows.
    """
    column = np.zeros(64, dtype=np.uint8)
    for start in range(0, len(packed), 64):
        tile, lane = start // TILE_ITEMS, start // 64 % LANES
        count = min(64, len(packed) - start)
        column[count:] = 0
        for byte in range(packed.shape[1]):
            for item in range(count):
                column[item] = packed[start + item, byte]
            for row, bit in enumerate(bits):
                words[tile, len(bits) * byte + row, lane] = bytes_to_bitmask(column, bit)


@compiled
def _mark_relevant(labels: Any, class_bits: int, start: int, tiles: int, query_labels: Any, relevant: Any) -> None:
    """Mark in ``relevant``, uint64 [tiles, LANES], the items of some tiles that have one of the query's labels."""
    relevant[:] = ZERO
    if class_bits > 0:
        for label in query_labels:
            mark_class(labels, start, tiles, label + 1, class_bits, relevant)
        return
    for tile in range(tiles):
        for label in query_labels:
            for lane in range(LANES):
                relevant[tile, lane] |= labels[start + tile, label, lane]


@compiled
def _count_block(
    counters: Any, tiles: int, relevant: Any, high: Any, low: Any, counts: Any, items: Any, hits: Any
) -> None:
    """Add a block's items, and its relevant ones, to a query's histograms."""
    low_masks(counters, tiles, low)
    for group in range((len(items) - 1) // GROUP_DISTANCES + 1):
        if high_mask(counters, tiles, group, high) == ZERO:
            continue
        count_group_relevant(tiles, high, low, relevant, counts)
        first = GROUP_DISTANCES * group
        for rest in range(min(GROUP_DISTANCES, len(items) - first)):
            items[first + rest] += counts[rest] & _ITEMS_MASK
            hits[first + rest] += counts[rest] >> _HITS_SHIFT


@compiled
def compute_distances(planes: Any, start: int, tiles: int, query_masks: Any, counters: Any) -> None:
    """:func:`add_planes`, compiled once for all that call it."""
    add_planes(planes, start, tiles, query_masks, counters)


@compiled
def _count(
    planes: Any,
    labels: Any,
    class_bits: int,
    query_masks: Any,
    query_labels: Any,
    first: Any,
    counter_bits: int,
    items: Any,
    hits: Any,
) -> None:
    """:func:`count_distances` for the queries of one thread."""
    counters = aligned_words(BLOCK_TILES * counter_bits).reshape((BLOCK_TILES, counter_bits, LANES))
    relevant, high = aligned_words(BLOCK_TILES), aligned_words(BLOCK_TILES)
    low = aligned_words(BLOCK_TILES * GROUP_DISTANCES).reshape((BLOCK_TILES, GROUP_DISTANCES, LANES))
    counts = np.empty(GROUP_DISTANCES, dtype=np.uint64)
    for start in range(0, len(planes), BLOCK_TILES):
        tiles = min(BLOCK_TILES, len(planes) - start)
        for query in range(len(query_masks)):
            own = query_labels[first[query] : first[query + 1]]
            _mark_relevant(labels, class_bits, start, tiles, own, relevant)
            compute_distances(planes, start, tiles, query_masks[query], counters)
            _count_block(counters, tiles, relevant, high, low, counts, items[query], hits[query])


@parallel_entry_point
def count_distances(
    planes: Any,
    labels: Any,
    class_bits: int,
    query_masks: Any,
    query_labels: Any,
    first: Any,
    counter_bits: int,
    threads: int,
    items: Any,
    hits: Any,
) -> None:
    """Add all items of the planes to the histograms of all queries.

    Args:
        planes: uint64 [tiles, rows, LANES], of codes.
        labels: the same of labels: a row for each, or for each bit of an item's class number plus one.
        class_bits: how many bits such a number has; 0 for a row for each label.
        query_masks: uint64 [q, rows], all ones where a query's bit is set.
        query_labels: int64, the labels of the queries, one query behind the other.
        first: int64 [q + 1], where a query's labels begin in it.
        counter_bits: bits of the largest distance, ``rows``, as a number; at least 4.
        threads: how many share the queries.
        items: int64 [q, rows + 1], at each distance; added to.
        hits: the same of relevant items.
    """
    for part in prange(threads):
        start, end = part * len(query_masks) // threads, (part + 1) * len(query_masks) // threads
        own, ends, counts = query_masks[start:end], first[start : end + 1], (items[start:end], hits[start:end])
        _count(planes, labels, class_bits, own, query_labels, ends, counter_bits, counts[0], counts[1])


@entry_point
def count_pairs(planes: Any, counts: Any) -> None:
    """Add to ``counts``, int64 [rows, rows], how many items have both of two bits set."""
    rows = planes.shape[1]
    for start in range(0, len(planes), BLOCK_TILES):
        tiles = min(BLOCK_TILES, len(planes) - start)
        for first in range(rows):
            for second in range(first + 1):
                count = popcount_both(planes, start, tiles, first, second)
                counts[first, second] += count
                if second < first:
                    counts[second, first] += count
