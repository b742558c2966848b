"""Loops over queries and groups of ties behind average precision, compiled where that works."""

from typing import Any

from hashbench.evaluation.harmonic import harmonic_difference
from hashbench.evaluation.tied_group import BEST, EXPECTED, group_sum
from hashbench.search.numba_cache import compiled, compiled_parallel, prange

_NEGLIGIBLE = 1e-18  # of the largest probability: thousands of them change no digit


@compiled_parallel
def sum_groups(order: int, items: Any, relevant: Any, items_before: Any, hits_before: Any, sums: Any) -> None:
    """Fill ``sums`` [q, groups + 1] with the sum of precisions before each group, and of all groups."""
    for query in prange(len(items)):
        total = 0.0
        for group in range(items.shape[1]):
            sums[query, group] = total
            if relevant[query, group] > 0:
                before = items_before[query, group], hits_before[query, group]
                total += group_sum(order, before[0], before[1], items[query, group], relevant[query, group])
        sums[query, items.shape[1]] = total


@compiled
def find_cuts(ranks: Any, items: Any, relevant: Any, items_before: Any, hits_before: Any, found: Any) -> None:
    """Where a rank, from 1 to the number of items, falls for each query.

    Args:
        ranks: int64 [q].
        items: int64 [q, groups].
        relevant: the same of relevant items.
        items_before: int64 [q, groups + 1].
        hits_before: the same of relevant items.
        found: int64 [5, q], the answer: the group that holds the rank, what stands before it, and what is in it.
    """
    for query in range(len(ranks)):
        low, high = 0, items.shape[1] - 1
        while low < high:  # the first group that ends at the rank or behind it
            middle = (low + high) // 2
            if items_before[query, middle + 1] < ranks[query]:
                low = middle + 1
            else:
                high = middle
        found[0, query] = low
        found[1, query], found[2, query] = items_before[query, low], hits_before[query, low]
        found[3, query], found[4, query] = items[query, low], relevant[query, low]


@compiled_parallel
def add_cut_groups(
    order: int, sums: Any, items: Any, hits: Any, n: Any, r: Any, taken: Any, divisors: Any, found: Any
) -> None:
    """AP of each query: what its groups before the cut add up to, and what the cut one adds, divided.

    Args:
        order: a place in :data:`ORDERS`.
        sums: float64 [q], of precisions before the cut group.
        items: int64 [q], items before it.
        hits: int64 [q], relevant ones among them.
        n: int64 [q], items of the cut group.
        r: int64 [q], relevant ones among them.
        taken: int64 [q], how many of its items stand before the cut.
        divisors: int64 [q], of AP; 0 for the hits before the cut.
        found: float64 [q], the answer.
    """
    for query in prange(len(sums)):
        here = items[query], hits[query], n[query], r[query], taken[query], divisors[query]
        if order == EXPECTED:
            found[query] = _expectation(sums[query], *here)
        else:
            found[query] = _extreme(order, sums[query], *here)


@compiled
def _expectation(before: Any, items: Any, hits: Any, n: Any, r: Any, taken: Any, divisor: Any) -> Any:
    """Mean of AP over h, the relevant items among those taken, which is hypergeometric.

    Given h, the taken items are in random order: :func:`tied_group.expected_sum`, which is a polynomial in h. So with
    a fixed divisor the mean follows from those of h and h (h-1). With the hits it is added up with the weights
    P(h+1) / P(h) = (r-h)(m-h) / ((h+1)(n-r-m+h+1)), m items taken, from the most likely h upwards and downwards, as
    far as it matters.
    """
    m, others = taken, n - r
    low, high = max(0, m - others), min(m, r)
    difference = harmonic_difference(items, m)
    flat, steep = (hits + 1) * difference / m, (m - (items + 1) * difference) / max(m - 1, 1) / m
    if divisor > 0:
        return (before + m * r / n * (flat + (m - 1) * (r - 1) / max(n - 1, 1) * steep)) / divisor
    mode = min(max((m + 1) * (r + 1) // (n + 2), low), high)
    weights = total = 0.0
    weight, h = 1.0, mode
    while h <= high and weight > _NEGLIGIBLE:
        weights += weight
        total += weight * (before + h * (flat + (h - 1) * steep)) / max(hits + h, 1)
        weight *= (r - h) * (m - h) / ((h + 1) * (others - m + h + 1))
        h += 1
    weight, h = 1.0, mode
    while h > low:
        weight *= h * (others - m + h) / ((r - h + 1) * (m - h + 1))
        if weight <= _NEGLIGIBLE:
            break
        h -= 1
        weights += weight
        total += weight * (before + h * (flat + (h - 1) * steep)) / max(hits + h, 1)
    return total / weights


@compiled
def _extreme(order: int, before: Any, items: Any, hits: Any, n: Any, r: Any, taken: Any, divisor: Any) -> Any:
    """Highest or lowest AP over every h that there can be.

    The relevant items stand first among those taken, or last; one more of them brings one more term into the
    difference of harmonic numbers, at its end or at its beginning.
    """
    low, high, end = max(0, taken - (n - r)), min(taken, r), items + taken
    first = items if order == BEST else end - low
    difference = harmonic_difference(first, low)
    found = 0.0
    for h in range(low, high + 1):
        if h > low:
            difference += 1.0 / (items + h if order == BEST else end - h + 1)
        start = items if order == BEST else end - h
        value = (before + h + (hits - start) * difference) / max(hits + h if divisor == 0 else divisor, 1)
        if h == low or (value > found if order == BEST else value < found):
            found = value
    return found
