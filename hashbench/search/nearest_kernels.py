"""Kernels that find the nearest items on bit planes, compiled by numba; imported by the functions that call them."""

from typing import Any

import numpy as np
from numba import prange

from hashbench.search.bit_planes import BLOCK, GROUP, LANES, TILE, TILES
from hashbench.search.kernels import NONE, distances, lines
from hashbench.search.numba_cache import compiled, compiled_parallel
from hashbench.search.simd_popcount import count_eight, high_mask, low_masks
from hashbench.search.simd_select import distance_at, lowest, ones_in, within

ONE = np.uint64(1)
ALL = np.uint64(2**64 - 1)
AT_ONCE = 4  # places that are written for a word, whether it has as many or not
CHUNK = 64  # items that are collected at a time
DISTANCE = 48  # place of the distance in a key, above the number of the item
ITEM = (1 << DISTANCE) - 1


@compiled
def _threshold(counts: Any, k: int) -> int:
    """The lowest distance within which there are ``k`` items, past the last one where there are fewer."""
    total = 0
    for distance in range(len(counts)):
        total += counts[distance]
        if total >= k:
            return distance
    return len(counts)


@compiled
def _guess(
    sample: Any, filled_up: int, flips: Any, weight: int, rank: int, counters: Any, masks: Any, counts: Any
) -> int:
    """The distance of the ``rank``-th nearest item of a sample, at most the code length; leaves zeros in ``counts``."""
    high, low, numbers = masks
    most = len(counts) - 1
    for start in range(0, len(sample), TILES):
        tiles = min(TILES, len(sample) - start)
        distances(sample, start, tiles, flips, counters)
        low_masks(counters, tiles, low)
        for eights in range(most // 8 + 1):
            if high_mask(counters, tiles, eights, high) == NONE:
                continue
            count_eight(tiles, high, low, numbers)
            for rest in range(min(8, most + 1 - 8 * eights)):
                counts[8 * eights + rest] += numbers[rest]
        if start + tiles == len(sample) and weight <= most:
            counts[weight] -= filled_up  # items of zeros
        most = min(most, _threshold(counts, rank))
    counts[:] = 0
    return most


@compiled
def _places(marks: Any, lanes: Any, tiles: int, items: int, places: Any) -> int:
    """Write the places of a block's marked items in order, of the first ``items`` only; answers how many.

    Some are written for every word, however few it marks: a loop over its bits alone has an end that no CPU foresees.
    """
    count = 0
    for tile in range(tiles):
        left = np.uint64(lanes[tile])
        while left != NONE:
            word = LANES * tile + np.int64(lowest(left))
            left &= left - ONE
            mask, start = marks[word], 64 * word
            if start + 64 > items:  # those that fill up the last tile are none
                mask = mask & (ALL >> np.uint64(start + 64 - items)) if start < items else NONE
            end = count + int(ones_in(mask))
            for place in range(count, count + AT_ONCE):
                places[place] = start + np.int64(lowest(mask))
                mask &= mask - ONE
            for place in range(count + AT_ONCE, end):
                places[place] = start + np.int64(lowest(mask))
                mask &= mask - ONE
            count = end
    return count


@compiled
def _keep_nearest(keys: Any, taken: int, k: int, counts: Any) -> None:
    """Keep and count the nearest ``k`` of the keys only, in their order, of equally near ones the first."""
    last = _threshold(counts, k)
    room = k - counts[:last].sum()
    counts[last] = room
    counts[last + 1 :] = 0
    kept = 0
    for place in range(taken):
        distance = keys[place] >> DISTANCE
        if distance < last or (distance == last and room > 0):
            room -= distance == last
            keys[kept] = keys[place]
            kept += 1


@compiled
def _collect(counters: Any, places: Any, first: int, k: int, keys: Any, taken: int, counts: Any) -> int:
    """Append the items at some places of a block to the keys and count them; answers how many keys there are now.

    Without room for more, only the nearest ``k`` are kept.
    """
    for begin in range(0, len(places), CHUNK):
        if taken + CHUNK > len(keys):
            _keep_nearest(keys, taken, k, counts)
            taken = k
        for place in places[begin : begin + CHUNK]:
            distance = np.int64(distance_at(counters, np.uint64(place)))
            counts[distance] += 1
            keys[taken] = distance << DISTANCE | (first + place)
            taken += 1
    return taken


@compiled
def _answer(keys: Any, counts: Any, ids: Any, found: Any) -> None:
    """Put keys, which are in the order of their items, into that of their distances, as many as there is room for."""
    total = 0
    for distance in range(len(counts)):  # counts become ranks
        counts[distance], total = total, total + counts[distance]
    for key in keys:
        distance = key >> DISTANCE
        rank = counts[distance]
        counts[distance] += 1
        if rank < len(ids):
            ids[rank], found[rank] = key & ITEM, distance


@compiled
def _find(database: Any, flips: Any, weights: Any, counter_rows: int, bits: int, ids: Any, found: Any) -> None:
    """What :func:`find_nearest` does, for the queries of one thread."""
    planes, items, sample, sampled, rank = database
    queries, k = ids.shape
    filled_up = len(sample) * TILE - sampled
    counters = lines((TILES + 1) * counter_rows).reshape((TILES + 1, counter_rows, LANES))  # distance_at reads on
    low = lines(TILES * GROUP).reshape((TILES, GROUP, LANES))
    masks = lines(TILES), low, np.empty(GROUP, dtype=np.uint64)
    marks, lanes = lines(TILES).reshape(TILES * LANES), np.empty(TILES, dtype=np.uint8)
    places = np.empty(BLOCK + AT_ONCE, dtype=np.int64)
    counts = np.zeros((queries, bits + 1), dtype=np.int64)
    keys, taken = np.empty((queries, 2 * k + CHUNK), dtype=np.int64), np.zeros(queries, dtype=np.int64)
    limits = np.empty(queries, dtype=np.int64)
    for q in range(queries):
        limits[q] = _guess(sample, filled_up, flips[q], weights[q], rank, counters, masks, counts[q])
    while taken.min() < k:
        for block in range(0, len(planes), TILES):
            tiles, first = min(TILES, len(planes) - block), block * TILE
            for q in range(queries):
                if limits[q] < 0:
                    continue
                distances(planes, block, tiles, flips[q], counters)
                within(counters, tiles, np.uint64(limits[q]), marks, lanes)
                near = _places(marks, lanes, tiles, items - first, places)
                taken[q] = _collect(counters, places[:near], first, k, keys[q], taken[q], counts[q])
                if taken[q] >= k:
                    limits[q] = min(limits[q], _threshold(counts[q], k) - 1)
        for q in range(queries):
            limits[q] = -1
            if taken[q] < k:
                taken[q], counts[q], limits[q] = 0, 0, bits
    for q in range(queries):
        _answer(keys[q, : taken[q]], counts[q], ids[q], found[q])


@compiled_parallel
def find_nearest(
    database: Any, flips: Any, weights: Any, counter_rows: int, bits: int, together: int, ids: Any, found: Any
) -> None:
    """The nearest items of all queries, of equally near ones the lower numbers, nearest first.

    A sample tells each query within what distance its nearest ``k`` probably lie. All items within it are collected in
    their order, and the distance shrinks as soon as there are k. A query that finds fewer begins anew without a limit.

    Args:
        database: planes, uint64 [tiles, rows, LANES], and how many items they have, without those that fill up the last
            tile; the same of a sample, some of the tiles or all; and the rank of the sample's item whose distance is
            the first limit.
        flips: uint64 [q, rows], all ones where a query's bit is set.
        weights: int64 [q], how many of them are.
        counter_rows: bits of the largest distance, ``rows``, as a number; at least 4.
        bits: code length.
        together: queries that one thread takes through the blocks at a time; each has room for 2k + 64 items.
        ids: int64 [q, k], the answer.
        found: int32 [q, k], its distances.
    """
    for part in prange((len(ids) + together - 1) // together):
        start, end = part * together, min(len(ids), (part + 1) * together)
        _find(database, flips[start:end], weights[start:end], counter_rows, bits, ids[start:end], found[start:end])
