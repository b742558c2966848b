"""Kernels that find the nearest items on bit planes, compiled by numba."""

from typing import Any

import numpy as np
from numba import prange

from hashbench.search.kernels import ZERO, aligned_words, compute_distances
from hashbench.search.layout import BLOCK_ITEMS, BLOCK_TILES, GROUP_DISTANCES, LANES, TILE_ITEMS
from hashbench.search.numba_cache import compiled, parallel_entry_point
from hashbench.search.simd_popcount import count_group, high_mask, low_masks
from hashbench.search.simd_select import distance_at, lowest_bit, mask_within_radius, popcount_word

_ONE = np.uint64(1)
_ALL_ONES = np.uint64(2**64 - 1)
_UNROLLED = 4  # offsets that are written for a word, whether it has as many or not
_CHUNK_ITEMS = 64  # collected at a time
_DISTANCE_SHIFT = 48  # of the distance in a key, above the id of the item
_ID_MASK = (1 << _DISTANCE_SHIFT) - 1


@compiled
def _threshold(counts: Any, k: int) -> int:
    """The lowest distance within which there are ``k`` items; the number of distances where there are fewer."""
    total = 0
    for distance in range(len(counts)):
        total += counts[distance]
        if total >= k:
            return distance
    return len(counts)


@compiled
def _guess_radius(
    sample: Any, padding: int, query_masks: Any, popcount: int, rank: int, counters: Any, masks: Any, counts: Any
) -> int:
    """The distance of the ``rank``-th nearest item of a sample, at most the code length; leaves zeros in ``counts``."""
    high, low, numbers = masks
    most = len(counts) - 1
    for start in range(0, len(sample), BLOCK_TILES):
        tiles = min(BLOCK_TILES, len(sample) - start)
        compute_distances(sample, start, tiles, query_masks, counters)
        low_masks(counters, tiles, low)
        for group in range(most // GROUP_DISTANCES + 1):
            if high_mask(counters, tiles, group, high) == ZERO:
                continue
            count_group(tiles, high, low, numbers)
            first = GROUP_DISTANCES * group
            for rest in range(min(GROUP_DISTANCES, most + 1 - first)):
                counts[first + rest] += numbers[rest]
        if start + tiles == len(sample) and popcount <= most:
            counts[popcount] -= padding  # codes of zeros
        most = min(most, _threshold(counts, rank))
    counts[:] = 0
    return most


@compiled
def _write_offsets(marks: Any, lanes: Any, tiles: int, items: int, offsets: Any) -> int:
    """Write the offsets in a block of its marked items, in order, of the first ``items`` only; returns their number.

    Some are written for every word, however few it marks: a loop over its bits alone has an end that no CPU predicts.
    """
    count = 0
    for tile in range(tiles):
        left = np.uint64(lanes[tile])
        while left != ZERO:
            word = LANES * tile + np.int64(lowest_bit(left))
            left &= left - _ONE
            mask, start = marks[word], 64 * word
            if start + 64 > items:  # padding
                mask = mask & (_ALL_ONES >> np.uint64(start + 64 - items)) if start < items else ZERO
            end = count + int(popcount_word(mask))
            for i in range(count, count + _UNROLLED):
                offsets[i] = start + np.int64(lowest_bit(mask))
                mask &= mask - _ONE
            for i in range(count + _UNROLLED, end):
                offsets[i] = start + np.int64(lowest_bit(mask))
                mask &= mask - _ONE
            count = end
    return count


@compiled
def _keep_nearest(keys: Any, collected: int, k: int, counts: Any) -> None:
    """Keep and count only the nearest ``k`` of the keys, in their order, of equally near ones the first."""
    last = _threshold(counts, k)
    room = k - counts[:last].sum()
    counts[last] = room
    counts[last + 1 :] = 0
    kept = 0
    for i in range(collected):
        distance = keys[i] >> _DISTANCE_SHIFT
        if distance < last or (distance == last and room > 0):
            room -= distance == last
            keys[kept] = keys[i]
            kept += 1


@compiled
def _collect(counters: Any, offsets: Any, first: int, k: int, keys: Any, collected: int, counts: Any) -> int:
    """Append the items at some offsets of a block to the keys and count them; returns the new number of keys.

    Without room for more, only the nearest ``k`` are kept.
    """
    for begin in range(0, len(offsets), _CHUNK_ITEMS):
        if collected + _CHUNK_ITEMS > len(keys):
            _keep_nearest(keys, collected, k, counts)
            collected = k
        for offset in offsets[begin : begin + _CHUNK_ITEMS]:
            distance = np.int64(distance_at(counters, np.uint64(offset)))
            counts[distance] += 1
            keys[collected] = distance << _DISTANCE_SHIFT | (first + offset)
            collected += 1
    return collected


@compiled
def _sort_by_distance(keys: Any, counts: Any, ids: Any, distances: Any) -> None:
    """Write ids and distances of keys, which are in the order of their ids, nearest first, as many as there is room."""
    total = 0
    for distance in range(len(counts)):  # counts become ranks
        counts[distance], total = total, total + counts[distance]
    for key in keys:
        distance = key >> _DISTANCE_SHIFT
        rank = counts[distance]
        counts[distance] += 1
        if rank < len(ids):
            ids[rank], distances[rank] = key & _ID_MASK, distance


@compiled
def _find(
    database: Any, query_masks: Any, popcounts: Any, counter_bits: int, bits: int, ids: Any, distances: Any
) -> None:
    """:func:`find_nearest` for the queries of one thread."""
    planes, items, sample, sample_items, rank = database
    queries, k = ids.shape
    padding = len(sample) * TILE_ITEMS - sample_items
    tiles_read = BLOCK_TILES + 1  # distance_at reads on behind the last tile
    counters = aligned_words(tiles_read * counter_bits).reshape((tiles_read, counter_bits, LANES))
    low = aligned_words(BLOCK_TILES * GROUP_DISTANCES).reshape((BLOCK_TILES, GROUP_DISTANCES, LANES))
    masks = aligned_words(BLOCK_TILES), low, np.empty(GROUP_DISTANCES, dtype=np.uint64)
    marks, lanes = aligned_words(BLOCK_TILES).reshape(BLOCK_TILES * LANES), np.empty(BLOCK_TILES, dtype=np.uint8)
    offsets = np.empty(BLOCK_ITEMS + _UNROLLED, dtype=np.int64)
    counts = np.zeros((queries, bits + 1), dtype=np.int64)
    keys, collected = np.empty((queries, 2 * k + _CHUNK_ITEMS), dtype=np.int64), np.zeros(queries, dtype=np.int64)
    radii = np.empty(queries, dtype=np.int64)
    for q in range(queries):
        radii[q] = _guess_radius(sample, padding, query_masks[q], popcounts[q], rank, counters, masks, counts[q])
    while collected.min() < k:
        for block in range(0, len(planes), BLOCK_TILES):
            tiles, first = min(BLOCK_TILES, len(planes) - block), block * TILE_ITEMS
            for q in range(queries):
                if radii[q] < 0:
                    continue
                compute_distances(planes, block, tiles, query_masks[q], counters)
                mask_within_radius(counters, tiles, np.uint64(radii[q]), marks, lanes)
                near = _write_offsets(marks, lanes, tiles, items - first, offsets)
                collected[q] = _collect(counters, offsets[:near], first, k, keys[q], collected[q], counts[q])
                if collected[q] >= k:
                    radii[q] = min(radii[q], _threshold(counts[q], k) - 1)
        for q in range(queries):
            radii[q] = -1
            if collected[q] < k:
                collected[q], counts[q], radii[q] = 0, 0, bits
    for q in range(queries):
        _sort_by_distance(keys[q, : collected[q]], counts[q], ids[q], distances[q])


@parallel_entry_point
def find_nearest(
    database: Any, query_masks: Any, popcounts: Any, counter_bits: int, bits: int, batch: int, ids: Any, distances: Any
) -> None:
    """The nearest items of all queries, of equally near ones the lower numbers, nearest first.

    A sample gives each query a radius within which its nearest ``k`` items probably lie. All items within it are
    collected in their order, and the radius shrinks as soon as there are k. A query that has fewer in the end begins
    anew with the radius ``bits``.

    Args:
        database: planes, uint64 [tiles, rows, LANES], and the number of their items without padding; the same of a
            sample, some of the tiles or all; and the rank of the sample's item whose distance is the first radius.
        query_masks: uint64 [q, rows], all ones where a query's bit is set.
        popcounts: int64 [q], how many of them are set.
        counter_bits: bits of the largest distance, ``rows``, as a number; at least 4.
        bits: code length.
        batch: queries that one thread takes through the blocks at a time; each has room for 2k + 64 items.
        ids: int64 [q, k], written to.
        distances: int32 [q, k], written to.
    """
    for part in prange((len(ids) + batch - 1) // batch):
        start, end = part * batch, min(len(ids), (part + 1) * batch)
        _find(
            database,
            query_masks[start:end],
            popcounts[start:end],
            counter_bits,
            bits,
            ids[start:end],
            distances[start:end],
        )
