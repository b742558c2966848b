"""Kernels on bit planes, compiled by numba: distances of 512 items at a time, counted or collected.

Importing this takes numba's import time, and the first call of a kernel its compile time, so it is imported by the
functions that call it. Compiled code is kept by numba beside this file, or in the user's cache folder.
"""

from typing import Any

import numpy as np
from numba import njit, prange, types
from numba.extending import intrinsic

from hashbench.search.bit_planes import BLOCK, GROUP, LANES, TILES
from hashbench.search.vectors import (
    add_planes,
    count_eight,
    count_eight_relevant,
    high_mask,
    low_masks,
    ones_in_both,
)

NONE = np.uint64(0)
ONE = np.uint64(1)
HITS = np.uint64(32)  # place of the relevant items in a number that holds both counts
ITEMS = np.uint64(0xFFFFFFFF)
FAR = 32767  # more than any distance


@intrinsic
def ones_in(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba's signature
    """How many bits of a word are set."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), code


@intrinsic
def _lowest(typing_context: Any, word: Any) -> Any:  # noqa: ARG001
    """The place of the lowest bit that is set in a word that is not 0."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        from llvmlite import ir

        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), code


@njit(cache=True, boundscheck=False)
def _transposed(bits: Any) -> Any:
    """Eight bytes of eight bits each with rows and columns exchanged (Warren, Hacker's Delight, section 7-3)."""
    swap = (bits ^ (bits >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
    bits ^= swap ^ (swap << np.uint64(7))
    swap = (bits ^ (bits >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
    bits ^= swap ^ (swap << np.uint64(14))
    swap = (bits ^ (bits >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
    return bits ^ swap ^ (swap << np.uint64(28))


@njit(cache=True, boundscheck=False)
def transpose_codes(packed: Any, words: Any) -> None:
    """Put the bits of rows, uint8 [n, width], the first bit highest, into planes of zeros with 8 * width rows."""
    items, width = packed.shape
    for start in range(0, items, 8):
        block, tile, lane = start // BLOCK, start // (64 * LANES) % TILES, start // 64 % LANES
        shift = np.uint64(start % 64)
        count = min(8, items - start)
        for column in range(width):
            bits = NONE
            for item in range(count):
                bits |= np.uint64(packed[start + item, column]) << np.uint64(8 * item)
            bits = _transposed(bits)
            for row in range(8):
                byte = (bits >> np.uint64(8 * (7 - row))) & np.uint64(0xFF)
                words[block, tile, 8 * column + row, lane] |= byte << shift


@njit(cache=True, boundscheck=False)
def transpose_labels(labels: Any, words: Any) -> None:
    """Put multi-hot labels, bool [n, classes], into planes of zeros with a row for each class."""
    for item in range(len(labels)):
        block, tile, lane = item // BLOCK, item // (64 * LANES) % TILES, item // 64 % LANES
        for label in range(labels.shape[1]):
            if labels[item, label]:
                words[block, tile, label, lane] |= ONE << np.uint64(item % 64)


@njit(cache=True, boundscheck=False)
def _relevant(labels: Any, wanted: Any, relevant: Any) -> None:
    """Mark the items of a block that have one of the labels ``wanted``."""
    relevant[:] = NONE
    for tile in range(TILES):
        for label in wanted:
            for lane in range(LANES):
                relevant[tile, lane] |= labels[tile, label, lane]


@njit(cache=True, boundscheck=False)
def _count_block(counters: Any, relevant: Any, high: Any, low: Any, counts: Any, items: Any, hits: Any) -> None:
    """Add a block's items, and its relevant ones, to a query's histograms."""
    bits = len(items) - 1
    low_masks(counters, low)
    for eights in range(bits // 8 + 1):
        if high_mask(counters, eights, high) == NONE:
            continue
        count_eight_relevant(high, low, relevant, counts)
        for rest in range(min(8, bits + 1 - 8 * eights)):
            items[8 * eights + rest] += counts[rest] & ITEMS
            hits[8 * eights + rest] += counts[rest] >> HITS


@njit(cache=True, boundscheck=False, parallel=True)
def count_distances(
    planes: Any, labels: Any, flips: Any, wanted: Any, first: Any, counter_rows: int, parts: int, items: Any, hits: Any
) -> None:
    """Add all items of the planes to the histograms of all queries.

    Args:
        planes: uint64 [blocks, TILES, rows, LANES], of codes.
        labels: the same of labels.
        flips: uint64 [q, rows], all ones where a query's bit is set.
        wanted: int64, the labels of the queries, one query behind the other.
        first: int64 [q + 1], where a query's labels begin in it.
        counter_rows: bits of the largest distance, ``rows``, as a number; at least 4.
        parts: how many threads share the queries.
        items: int64 [q, rows + 1], added to.
        hits: the same of relevant items.
    """
    queries = len(flips)
    for part in prange(parts):
        counters = np.empty((TILES, counter_rows, LANES), dtype=np.uint64)
        relevant = np.empty((TILES, LANES), dtype=np.uint64)
        high = np.empty((TILES, LANES), dtype=np.uint64)
        low = np.empty((TILES, GROUP, LANES), dtype=np.uint64)
        counts = np.empty(GROUP, dtype=np.uint64)
        for block in range(len(planes)):
            for query in range(part * queries // parts, (part + 1) * queries // parts):
                _relevant(labels[block], wanted[first[query] : first[query + 1]], relevant)
                add_planes(planes[block], flips[query], counters)
                _count_block(counters, relevant, high, low, counts, items[query], hits[query])


@njit(cache=True, boundscheck=False)
def count_pairs(planes: Any, together: Any) -> None:
    """Add to ``together``, int64 [rows, rows], how many items have both of two bits set."""
    rows = planes.shape[2]
    for block in range(len(planes)):
        for first in range(rows):
            for second in range(first + 1):
                count = ones_in_both(planes[block], first, second)
                together[first, second] += count
                if second < first:
                    together[second, first] += count


@njit(cache=True, boundscheck=False)
def _threshold(counts: Any, k: int) -> int:
    """The lowest distance within which there are ``k`` items, past the last one where there are fewer."""
    total = 0
    for distance in range(len(counts)):
        total += counts[distance]
        if total >= k:
            return distance
    return len(counts)


@njit(cache=True, boundscheck=False)
def _count_items(counters: Any, most: int, high: Any, low: Any, numbers: Any, counts: Any) -> int:
    """Add a block's items within the distance ``most`` to ``counts``; answers the lowest distance there is."""
    lowest = FAR
    for eights in range(most // 8 + 1):
        if high_mask(counters, eights, high) == NONE:
            continue
        count_eight(high, low, numbers)
        for rest in range(min(8, most + 1 - 8 * eights)):
            counts[8 * eights + rest] += numbers[rest]
            if numbers[rest] > 0:
                lowest = min(lowest, 8 * eights + rest)
    return lowest


@njit(cache=True, boundscheck=False)
def _take_items(
    counters: Any, most: int, base: int, items: int, high: Any, low: Any, places: Any, ids: Any, found: Any
) -> None:
    """Put a block's items within the distance ``most`` into their places, until the last place is taken."""
    k = len(ids)
    for eights in range(most // 8 + 1):
        if high_mask(counters, eights, high) == NONE:
            continue
        for rest in range(min(8, most + 1 - 8 * eights)):
            distance = 8 * eights + rest
            place = places[distance]
            for tile in range(TILES):
                for lane in range(LANES):
                    mask = high[tile, lane] & low[tile, rest, lane]
                    while mask != NONE and place < k:
                        item = base + 64 * (LANES * tile + lane) + np.int64(_lowest(mask))
                        mask &= mask - ONE
                        if item < items:  # and not one that fills up the last block
                            ids[place], found[place] = item, distance
                            place += 1
            places[distance] = place


@njit(cache=True, boundscheck=False, parallel=True)
def find_nearest(
    planes: Any, items: int, flips: Any, weights: Any, counter_rows: int, bits: int, together: int, ids: Any, found: Any
) -> None:
    """The nearest items of all queries, of equally near ones the lower numbers, nearest first.

    First all items are counted by their distance, as far as it still matters: below that of the k-th so far. Then
    every item's place is known, and those blocks that have one of the k are gone through once more.

    Args:
        planes: uint64 [blocks, TILES, rows, LANES].
        items: how many there are; those that fill up the last block are not among them.
        flips: uint64 [q, rows], all ones where a query's bit is set.
        weights: int64 [q], how many of them are.
        counter_rows: bits of the largest distance, ``rows``, as a number; at least 4.
        bits: code length.
        together: queries that one thread takes through the blocks at a time.
        ids: int64 [q, k], the answer.
        found: int32 [q, k], its distances.
    """
    queries, k = ids.shape
    blocks = len(planes)
    for part in prange((queries + together - 1) // together):
        start = part * together
        n = min(together, queries - start)
        counters = np.empty((TILES, counter_rows, LANES), dtype=np.uint64)
        high = np.empty((TILES, LANES), dtype=np.uint64)
        low = np.empty((TILES, GROUP, LANES), dtype=np.uint64)
        numbers = np.empty(GROUP, dtype=np.uint64)
        counts = np.zeros((n, bits + 1), dtype=np.int64)
        lowest = np.full((n, blocks), FAR, dtype=np.int16)
        last = np.full(n, bits + 1, dtype=np.int64)  # the distance of the k-th item so far
        for block in range(blocks):
            filled_up = max(0, (block + 1) * BLOCK - items)
            for q in range(n):
                most = min(bits, last[q] - 1)
                if most < 0:
                    continue
                add_planes(planes[block], flips[start + q], counters)
                low_masks(counters, low)
                lowest[q, block] = _count_items(counters, most, high, low, numbers, counts[q])
                if weights[start + q] <= most:
                    counts[q, weights[start + q]] -= filled_up
                last[q] = min(last[q], _threshold(counts[q], k))
        for q in range(n):
            total = 0
            for distance in range(bits + 1):  # counts become places
                counts[q, distance], total = total, total + counts[q, distance]
        for block in range(blocks):
            for q in range(n):
                if lowest[q, block] <= last[q]:
                    add_planes(planes[block], flips[start + q], counters)
                    low_masks(counters, low)
                    _take_items(
                        counters,
                        min(bits, last[q]),
                        block * BLOCK,
                        items,
                        high,
                        low,
                        counts[q],
                        ids[start + q],
                        found[start + q],
                    )
