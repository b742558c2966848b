"""Kernels on bit planes, compiled by numba: distances of 64 items per word, counted or collected.

Importing this takes numba's import time, and the first call of a kernel its compile time, so it is imported by the
functions that call it. Compiled code is kept by numba beside this file, or in the user's cache folder.
"""

from typing import Any

import numpy as np
from numba import njit, prange, types
from numba.extending import intrinsic

from hashbench.search.bit_planes import BLOCK, GROUP, WORDS

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
NONE = np.uint64(0)
ONE = np.uint64(1)
FAR = 32767  # more than any distance
LOW = 3  # counter rows whose 8 values are told apart in the innermost loop


@intrinsic
def ones_in(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba's signature
    """How many bits of a word are set: one instruction, also for vectors of words."""

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
def _count_bits(planes: Any, flips: Any, counters: Any, carry: Any) -> None:
    """Distances of a block's items to a query, as binary numbers: row ``i`` of ``counters`` has their bits 2^i.

    Eight rows of planes are added at a time by carry-save adders; the eights that come out of it are added to the
    rows above, of which only those are touched that can be reached yet.
    """
    counters[:] = NONE
    for start in range(0, planes.shape[0], GROUP):
        f0, f1, f2, f3 = flips[start], flips[start + 1], flips[start + 2], flips[start + 3]
        f4, f5, f6, f7 = flips[start + 4], flips[start + 5], flips[start + 6], flips[start + 7]
        for t in range(WORDS):
            one, two, four = counters[0, t], counters[1, t], counters[2, t]
            a, b = planes[start, t] ^ f0, planes[start + 1, t] ^ f1
            x = one ^ a
            two_a, one = (one & a) | (x & b), x ^ b
            a, b = planes[start + 2, t] ^ f2, planes[start + 3, t] ^ f3
            x = one ^ a
            two_b, one = (one & a) | (x & b), x ^ b
            x = two ^ two_a
            four_a, two = (two & two_a) | (x & two_b), x ^ two_b
            a, b = planes[start + 4, t] ^ f4, planes[start + 5, t] ^ f5
            x = one ^ a
            two_a, one = (one & a) | (x & b), x ^ b
            a, b = planes[start + 6, t] ^ f6, planes[start + 7, t] ^ f7
            x = one ^ a
            two_b, one = (one & a) | (x & b), x ^ b
            x = two ^ two_a
            four_b, two = (two & two_a) | (x & two_b), x ^ two_b
            x = four ^ four_a
            carry[t], four = (four & four_a) | (x & four_b), x ^ four_b
            counters[0, t], counters[1, t], counters[2, t] = one, two, four
        reach = start // GROUP + 1
        row = LOW
        while reach > 0:
            for t in range(WORDS):
                held = counters[row, t]
                counters[row, t] = held ^ carry[t]
                carry[t] &= held
            row += 1
            reach >>= 1


@njit(cache=True, boundscheck=False)
def _low_masks(counters: Any, low: Any) -> None:
    """Row ``d`` of ``low`` marks the items whose distance is d modulo 8."""
    for t in range(WORDS):
        one, two, four = counters[0, t], counters[1, t], counters[2, t]
        a, b, c, d = ~(two | four), two & ~four, four & ~two, two & four
        low[0, t], low[1, t] = a & ~one, a & one
        low[2, t], low[3, t] = b & ~one, b & one
        low[4, t], low[5, t] = c & ~one, c & one
        low[6, t], low[7, t] = d & ~one, d & one


@njit(cache=True, boundscheck=False)
def _high_mask(counters: Any, eights: int, high: Any) -> Any:
    """Mark the items whose distance is ``8 * eights`` to 8 * eights + 7; answers whether there are any."""
    for t in range(WORDS):
        high[t] = ALL
    for row in range(LOW, counters.shape[0]):
        flip = NONE if (eights >> (row - LOW)) & 1 else ALL
        for t in range(WORDS):
            high[t] &= counters[row, t] ^ flip
    some = NONE
    for t in range(WORDS):
        some |= high[t]
    return some != NONE


@njit(cache=True, boundscheck=False)
def _relevant(labels: Any, wanted: Any, relevant: Any) -> None:
    """Mark the items that have one of the labels ``wanted``."""
    for t in range(WORDS):
        relevant[t] = NONE
    for label in wanted:
        for t in range(WORDS):
            relevant[t] |= labels[label, t]


@njit(cache=True, boundscheck=False)
def _count_block(counters: Any, relevant: Any, high: Any, low: Any, items: Any, hits: Any) -> None:
    """Add a block's items, and its relevant ones, to a query's histograms."""
    bits = len(items) - 1
    _low_masks(counters, low)
    for eights in range(bits // 8 + 1):
        if not _high_mask(counters, eights, high):
            continue
        for rest in range(min(8, bits + 1 - 8 * eights)):
            n = r = NONE
            for t in range(WORDS):
                mask = high[t] & low[rest, t]
                n += ones_in(mask)
                r += ones_in(mask & relevant[t])
            items[8 * eights + rest] += n
            hits[8 * eights + rest] += r


@njit(cache=True, boundscheck=False, parallel=True)
def count_distances(
    planes: Any, labels: Any, flips: Any, wanted: Any, first: Any, counter_rows: int, parts: int, items: Any, hits: Any
) -> None:
    """Add all items of the planes to the histograms of all queries.

    Args:
        planes: uint64 [blocks, rows, WORDS], of codes.
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
        counters = np.empty((counter_rows, WORDS), dtype=np.uint64)
        carry = np.empty(WORDS, dtype=np.uint64)
        relevant = np.empty(WORDS, dtype=np.uint64)
        high = np.empty(WORDS, dtype=np.uint64)
        low = np.empty((8, WORDS), dtype=np.uint64)
        for block in range(len(planes)):
            for query in range(part * queries // parts, (part + 1) * queries // parts):
                _relevant(labels[block], wanted[first[query] : first[query + 1]], relevant)
                _count_bits(planes[block], flips[query], counters, carry)
                _count_block(counters, relevant, high, low, items[query], hits[query])


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
def _count_items(counters: Any, most: int, high: Any, low: Any, counts: Any) -> int:
    """Add a block's items within the distance ``most`` to ``counts``; answers the lowest distance there is."""
    lowest = FAR
    for eights in range(most // 8 + 1):
        if not _high_mask(counters, eights, high):
            continue
        for rest in range(min(8, most + 1 - 8 * eights)):
            n = NONE
            for t in range(WORDS):
                n += ones_in(high[t] & low[rest, t])
            counts[8 * eights + rest] += n
            if n > 0:
                lowest = min(lowest, 8 * eights + rest)
    return lowest


@njit(cache=True, boundscheck=False)
def _take_items(
    counters: Any, most: int, base: int, items: int, high: Any, low: Any, places: Any, ids: Any, found: Any
) -> None:
    """Put a block's items within the distance ``most`` into their places, until the last place is taken."""
    k = len(ids)
    for eights in range(most // 8 + 1):
        if not _high_mask(counters, eights, high):
            continue
        for rest in range(min(8, most + 1 - 8 * eights)):
            distance = 8 * eights + rest
            place = places[distance]
            for t in range(WORDS):
                mask = high[t] & low[rest, t]
                while mask != NONE and place < k:
                    item = base + 64 * t + np.int64(_lowest(mask))
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
        planes: uint64 [blocks, rows, WORDS].
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
        counters = np.empty((counter_rows, WORDS), dtype=np.uint64)
        carry = np.empty(WORDS, dtype=np.uint64)
        high = np.empty(WORDS, dtype=np.uint64)
        low = np.empty((8, WORDS), dtype=np.uint64)
        counts = np.zeros((n, bits + 1), dtype=np.int64)
        lowest = np.full((n, blocks), FAR, dtype=np.int16)
        last = np.full(n, bits + 1, dtype=np.int64)  # the distance of the k-th item so far
        for block in range(blocks):
            filled_up = max(0, (block + 1) * BLOCK - items)
            for q in range(n):
                most = min(bits, last[q] - 1)
                if most < 0:
                    continue
                _count_bits(planes[block], flips[start + q], counters, carry)
                _low_masks(counters, low)
                lowest[q, block] = _count_items(counters, most, high, low, counts[q])
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
                    _count_bits(planes[block], flips[start + q], counters, carry)
                    _low_masks(counters, low)
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
