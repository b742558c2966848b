"""Triton kernels: how many items are at each distance, all and relevant, and which are the nearest.

A program takes as many queries as it has warps through the tiles of a segment of the database. No kernel writes
anything for a pair of a query and an item but for the nearest ones.
"""

import triton
import triton.language as tl

from hashbench.search.triton_counters import (
    CHUNK_DISTANCES,
    LANES,
    below,
    count_rows,
    equal_to,
    high_masks,
    low_masks,
    popcount,
    relevant,
    top_mask,
)

_CHUNK = tl.constexpr(CHUNK_DISTANCES)
_ITEM_BITS = tl.constexpr(32)  # of a key behind the distance


@triton.jit
def _segment(tiles: tl.tensor) -> tl.tuple:
    """The first tile of this program's segment and the one behind its last."""
    segment, segments = tl.program_id(1).to(tl.int64), tl.num_programs(1)
    return segment * tiles // segments, (segment + 1) * tiles // segments


@triton.jit
def _sum_words(counts: tl.tensor, EIGHTS: tl.constexpr, QUERIES: tl.constexpr) -> tl.tensor:
    """Int32 [EIGHTS, 8, QUERIES] of counts of each word, [EIGHTS, 8, T]."""
    return tl.sum(tl.reshape(counts, [EIGHTS, 8, QUERIES, LANES]), axis=3)


@triton.jit
def _chunk_places(
    chunk: tl.tensor, counts: tl.tensor, slots: tl.tensor, EIGHTS: tl.constexpr, QUERIES: tl.constexpr
) -> tl.tensor:
    """Where a program's counts of a chunk belong in a table [segments, queries, slots]."""
    query = tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)
    row = tl.program_id(1).to(tl.int64) * tl.num_programs(0) * QUERIES + query
    distance = chunk * _CHUNK + tl.arange(0, EIGHTS)[:, None, None] * 8 + tl.arange(0, 8)[None, :, None]
    return counts + row[None, None, :] * slots + distance


@triton.jit(do_not_specialize=["level", "tiles", "slots", "label_rows"])
def count_distances(
    planes: tl.tensor,  # int32 [tiles, ROWS, 32] of the database's codes
    masks: tl.tensor,  # int32 [queries, ROWS] of the queries' codes
    label_planes: tl.tensor,  # int32 [tiles, label_rows, 32]
    label_masks: tl.tensor,  # int32 [queries, label_rows]
    label_rows: tl.tensor,
    level: tl.tensor,  # how many labels the relevant share, where KIND is AT_LEAST
    tiles: tl.tensor,
    items: tl.tensor,  # int32 [segments, queries, slots], written where ALL is set
    hits: tl.tensor,  # int32 [segments, queries, slots], written where KIND is not NO_LABELS
    totals: tl.tensor,  # int32 [segments, queries]: relevant items at any distance
    slots: tl.tensor,
    ROWS: tl.constexpr,
    STEP: tl.constexpr,
    PLACES: tl.constexpr,
    EIGHTS: tl.constexpr,
    ALL: tl.constexpr,
    KIND: tl.constexpr,
    LABEL_PLACES: tl.constexpr,
    QUERIES: tl.constexpr,
) -> None:
    """Count the items of a segment at 8 EIGHTS distances, those of this program's chunk, in registers."""
    T: tl.constexpr = QUERIES * LANES
    thread = tl.arange(0, T)
    word, query = thread % LANES, (tl.program_id(0) * QUERIES + thread // LANES).to(tl.int64)
    chunk = tl.program_id(2)
    code, labels = masks + query * ROWS, label_masks + query * label_rows
    count = tl.zeros([EIGHTS, 8, T], tl.int32)
    hit = tl.zeros([EIGHTS, 8, T], tl.int32)
    total = tl.zeros([T], tl.int32)
    first, last = _segment(tiles)
    for tile in range(first, last):
        row = tile * LANES
        counter = count_rows(planes + row * ROWS + word, code, ROWS, STEP, PLACES, False, T)
        high = high_masks(counter, top_mask(counter, chunk, PLACES), EIGHTS, PLACES)
        at = high[:, None, :] & low_masks(counter)[None, :, :]
        if ALL:
            count += popcount(at)
        if KIND > 0:
            found = relevant(label_planes + row * label_rows + word, labels, label_rows, level, KIND, LABEL_PLACES, T)
            hit += popcount(at & found[None, None, :])
            total += popcount(found)
    if ALL:
        tl.store(_chunk_places(chunk, items, slots, EIGHTS, QUERIES), _sum_words(count, EIGHTS, QUERIES))
    if KIND > 0:
        tl.store(_chunk_places(chunk, hits, slots, EIGHTS, QUERIES), _sum_words(hit, EIGHTS, QUERIES))
        if chunk == 0:
            row = tl.program_id(1).to(tl.int64) * tl.num_programs(0) * QUERIES + tl.program_id(0) * QUERIES
            sums = tl.sum(tl.reshape(total, [QUERIES, LANES]), axis=1)
            tl.store(totals + row + tl.arange(0, QUERIES), sums)


@triton.jit(do_not_specialize=["level", "tiles", "slots", "label_rows"])
def count_long_distances(
    planes: tl.tensor,
    masks: tl.tensor,
    label_planes: tl.tensor,
    label_masks: tl.tensor,
    label_rows: tl.tensor,
    level: tl.tensor,
    tiles: tl.tensor,
    items: tl.tensor,  # these three hold zeros
    hits: tl.tensor,
    totals: tl.tensor,
    slots: tl.tensor,
    ROWS: tl.constexpr,
    STEP: tl.constexpr,
    PLACES: tl.constexpr,
    ALL: tl.constexpr,
    KIND: tl.constexpr,
    LABEL_PLACES: tl.constexpr,
    QUERIES: tl.constexpr,
) -> None:
    """The same at all distances, of codes too long to be compared once for each chunk.

    Distances of long codes are all alike: a tile has items in a few chunks, whose counts are added to the program's
    own rows of the tables at once.
    """
    T: tl.constexpr = QUERIES * LANES
    thread = tl.arange(0, T)
    word, query = thread % LANES, (tl.program_id(0) * QUERIES + thread // LANES).to(tl.int64)
    code, labels = masks + query * ROWS, label_masks + query * label_rows
    total = tl.zeros([T], tl.int32)
    first, last = _segment(tiles)
    for tile in range(first, last):
        row = tile * LANES
        counter = count_rows(planes + row * ROWS + word, code, ROWS, STEP, PLACES, False, T)
        low = low_masks(counter)
        found = tl.zeros([T], tl.int32)
        if KIND > 0:
            found = relevant(label_planes + row * label_rows + word, labels, label_rows, level, KIND, LABEL_PLACES, T)
            total += popcount(found)
        for chunk in range(slots // _CHUNK):
            top = top_mask(counter, chunk, PLACES)
            if tl.max(popcount(top), axis=0) > 0:
                at = high_masks(counter, top, 8, PLACES)[:, None, :] & low[None, :, :]
                if ALL:
                    sums = _sum_words(popcount(at), 8, QUERIES)
                    tl.atomic_add(_chunk_places(chunk, items, slots, 8, QUERIES), sums, sem="relaxed")
                if KIND > 0:
                    sums = _sum_words(popcount(at & found[None, None, :]), 8, QUERIES)
                    tl.atomic_add(_chunk_places(chunk, hits, slots, 8, QUERIES), sums, sem="relaxed")
    if KIND > 0:
        row = tl.program_id(1).to(tl.int64) * tl.num_programs(0) * QUERIES + tl.program_id(0) * QUERIES
        sums = tl.sum(tl.reshape(total, [QUERIES, LANES]), axis=1)
        tl.store(totals + row + tl.arange(0, QUERIES), sums)


@triton.jit
def _places_of_words(counts: tl.tensor, QUERIES: tl.constexpr, T: tl.constexpr) -> tl.tuple:
    """Of counts [T]: how many all lower words of the query have, and how many all have together, [T] each."""
    grid = tl.reshape(counts, [QUERIES, LANES])
    before = tl.cumsum(grid, axis=1) - grid
    together = tl.broadcast_to(tl.sum(grid, axis=1)[:, None], [QUERIES, LANES])
    return tl.reshape(before, [T]), tl.reshape(together, [T])


@triton.jit(do_not_specialize=["tiles", "number", "k"])
def collect_nearest(
    planes: tl.tensor,  # int32 [tiles, ROWS, 32]
    masks: tl.tensor,  # int32 [queries, ROWS]
    limits: tl.tensor,  # int32 [queries]: the distance of the k-th nearest item
    nearer_starts: tl.tensor,  # int32 [segments, queries]: places taken by nearer items of earlier segments
    tied_starts: tl.tensor,  # int32 [segments, queries]: and by items at the limit
    tiles: tl.tensor,
    number: tl.tensor,  # of items
    k: tl.tensor,
    keys: tl.tensor,  # int64 [queries, k]: 2^32 distance + item, the nearer ones before the tied ones
    ROWS: tl.constexpr,
    STEP: tl.constexpr,
    PLACES: tl.constexpr,
    QUERIES: tl.constexpr,
) -> None:
    """Write the items of a segment below a distance, and at it those with the lowest numbers while there is room."""
    T: tl.constexpr = QUERIES * LANES
    thread = tl.arange(0, T)
    word, query = thread % LANES, (tl.program_id(0) * QUERIES + thread // LANES).to(tl.int64)
    own = tl.program_id(1).to(tl.int64) * tl.num_programs(0) * QUERIES + query
    limit, nearer_place, tied_place = tl.load(limits + query), tl.load(nearer_starts + own), tl.load(tied_starts + own)
    first, last = _segment(tiles)
    for tile in range(first, last):
        row = tile * LANES
        counter = count_rows(planes + row * ROWS + word, masks + query * ROWS, ROWS, STEP, PLACES, False, T)
        item = (word + tile * LANES).to(tl.int64) * 32
        there = tl.minimum(tl.maximum(number - item, 0), 32).to(tl.int32)
        exist = tl.where(there == 32, -1, (1 << (there & 31)) - 1)
        nearer, tied = below(counter, limit, PLACES, T) & exist, equal_to(counter, limit, PLACES, T) & exist
        counts = popcount(nearer) + (popcount(tied) << 16)
        if tl.max(counts, axis=0) > 0:
            before, together = _places_of_words(counts, QUERIES, T)
            nearer_next, tied_next = nearer_place + (before & 0xFFFF), tied_place + (before >> 16)
            tied = tl.where(tied_next < k, tied, 0)
            left = nearer | tied
            for _ in range(tl.max(popcount(left), axis=0)):
                lowest = left & -left
                bit = popcount(lowest - 1)
                is_nearer = (nearer & lowest) != 0
                distance = tl.zeros([T], tl.int32)
                for place in tl.static_range(PLACES):
                    count = counter[place] if place < 3 else counter[3][place - 3]
                    distance |= ((count >> bit) & 1) << place
                place = tl.where(is_nearer, nearer_next, tied_next)
                key = (distance.to(tl.int64) << _ITEM_BITS) + item + bit
                tl.store(keys + query * k + place, key, mask=(left != 0) & (place < k))
                nearer_next += is_nearer.to(tl.int32)
                tied_next += ((left != 0) & ~is_nearer).to(tl.int32)
                left ^= lowest
            nearer_place += together & 0xFFFF
            tied_place += together >> 16
