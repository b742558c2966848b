"""Kernels on bit planes, compiled by numba: planes are made, and distances of 512 items at a time counted.

Importing this takes numba's import time, and the first call of a kernel its compile time, so it is imported by the
functions that call it.
"""

from typing import Any

import numpy as np
from numba import prange

from hashbench.search.bit_planes import GROUP, LANES, TILE, TILES
from hashbench.search.numba_cache import compiled, compiled_parallel
from hashbench.search.simd_add import add_planes
from hashbench.search.simd_popcount import count_eight_relevant, high_mask, low_masks, ones_in_both
from hashbench.search.simd_select import marked

NONE = np.uint64(0)
HITS = np.uint64(32)  # place of the relevant items in a number that holds both counts
ITEMS = np.uint64(0xFFFFFFFF)


@compiled
def lines(count: int) -> Any:
    """Room for ``count`` times LANES words, each of them in one line of the cache; its content is undefined."""
    words = np.empty(LANES * (count + 1), dtype=np.uint64)
    first = -(words.ctypes.data // 8) % LANES
    return words[first : first + LANES * count].reshape((count, LANES))


@compiled
def transpose(packed: Any, bits: Any, words: Any) -> None:
    """Put bits of bytes, uint8 [n, width], into planes [tiles, len(bits) * width, LANES], a row for each.

    ``bits``, uint8, are those of each byte that are wanted: the row of its first one takes the bit ``bits[0]``.
    """
    column = np.zeros(64, dtype=np.uint8)
    for start in range(0, len(packed), 64):
        tile, lane = start // TILE, start // 64 % LANES
        count = min(64, len(packed) - start)
        column[count:] = 0
        for place in range(packed.shape[1]):
            for item in range(count):
                column[item] = packed[start + item, place]
            for row, bit in enumerate(bits):
                words[tile, len(bits) * place + row, lane] = marked(column, bit)


@compiled
def _relevant(labels: Any, start: int, tiles: int, wanted: Any, relevant: Any) -> None:
    """Mark the items of some tiles that have one of the labels ``wanted``."""
    relevant[:] = NONE
    for tile in range(tiles):
        for label in wanted:
            for lane in range(LANES):
                relevant[tile, lane] |= labels[start + tile, label, lane]


@compiled
def _count_block(
    counters: Any, tiles: int, relevant: Any, high: Any, low: Any, counts: Any, items: Any, hits: Any
) -> None:
    """Add a block's items, and its relevant ones, to a query's histograms."""
    bits = len(items) - 1
    low_masks(counters, tiles, low)
    for eights in range(bits // 8 + 1):
        if high_mask(counters, tiles, eights, high) == NONE:
            continue
        count_eight_relevant(tiles, high, low, relevant, counts)
        for rest in range(min(8, bits + 1 - 8 * eights)):
            items[8 * eights + rest] += counts[rest] & ITEMS
            hits[8 * eights + rest] += counts[rest] >> HITS


@compiled
def distances(planes: Any, start: int, tiles: int, flips: Any, counters: Any) -> None:
    """:func:`add_planes`, compiled once for all that call it."""
    add_planes(planes, start, tiles, flips, counters)


@compiled
def _count(
    planes: Any, labels: Any, flips: Any, wanted: Any, first: Any, counter_rows: int, items: Any, hits: Any
) -> None:
    """What :func:`count_distances` does, for the queries of one thread."""
    counters = lines(TILES * counter_rows).reshape((TILES, counter_rows, LANES))
    relevant, high = lines(TILES), lines(TILES)
    low = lines(TILES * GROUP).reshape((TILES, GROUP, LANES))
    counts = np.empty(GROUP, dtype=np.uint64)
    for start in range(0, len(planes), TILES):
        tiles = min(TILES, len(planes) - start)
        for query in range(len(flips)):
            _relevant(labels, start, tiles, wanted[first[query] : first[query + 1]], relevant)
            distances(planes, start, tiles, flips[query], counters)
            _count_block(counters, tiles, relevant, high, low, counts, items[query], hits[query])


@compiled_parallel
def count_distances(
    planes: Any, labels: Any, flips: Any, wanted: Any, first: Any, counter_rows: int, parts: int, items: Any, hits: Any
) -> None:
    """Add all items of the planes to the histograms of all queries.

    Args:
        planes: uint64 [tiles, rows, LANES], of codes.
        labels: the same of labels.
        flips: uint64 [q, rows], all ones where a query's bit is set.
        wanted: int64, the labels of the queries, one query behind the other.
        first: int64 [q + 1], where a query's labels begin in it.
        counter_rows: bits of the largest distance, ``rows``, as a number; at least 4.
        parts: how many threads share the queries.
        items: int64 [q, rows + 1], added to.
        hits: the same of relevant items.
    """
    for part in prange(parts):
        start, end = part * len(flips) // parts, (part + 1) * len(flips) // parts
        own, places, counts = flips[start:end], first[start : end + 1], (items[start:end], hits[start:end])
        _count(planes, labels, own, wanted, places, counter_rows, counts[0], counts[1])


@compiled
def count_pairs(planes: Any, together: Any) -> None:
    """Add to ``together``, int64 [rows, rows], how many items have both of two bits set."""
    rows = planes.shape[1]
    for start in range(0, len(planes), TILES):
        tiles = min(TILES, len(planes) - start)
        for first in range(rows):
            for second in range(first + 1):
                count = ones_in_both(planes, start, tiles, first, second)
                together[first, second] += count
                if second < first:
                    together[second, first] += count
