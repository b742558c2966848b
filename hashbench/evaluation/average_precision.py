"""Average precision of rankings with ties: expectation and exact bounds over all orders of the ties.

Read downwards: AP@k of queries; the sums of precisions of whole groups of ties; the group that rank k cuts; and the
differences of harmonic numbers that both are made of. In a group of ``n`` items, ``r`` of them relevant and in any
order, ``items`` items stand before it, ``hits`` of them relevant; all are whole numbers.
"""

import math
from typing import Any, Literal

import numpy as np

from hashbench.evaluation.ranking import FloatArray, Ranking
from hashbench.search.numba_cache import compiled, or_uncompiled, parallel_entry_point, prange

Denominator = Literal["hits", "min", "total"]
Order = Literal["expected", "best", "worst"]
ORDERS: tuple[Order, ...] = ("expected", "best", "worst")

_EXPECTED, _BEST, _WORST = range(3)  # indices into ORDERS, for compiled loops
_MIN_WEIGHT = 1e-18  # relative to the largest probability: thousands of smaller ones change no digit
_TABLE_END = 256
_HARMONIC = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, _TABLE_END + 1))])


def average_precision(
    ranking: Ranking, k: int | None = None, denominator: Denominator = "hits", order: Order = "expected"
) -> FloatArray:
    """AP@k = (1/D) * sum over the relevant items at ranks up to k of the precision at their rank.

    The group that rank k cuts gives h of its r relevant items to the first k, h being hypergeometric. The expectation
    is the sum over h of P(h) AP(h); the bounds are the extremes of AP(h) over every h there can be, since with "hits"
    h stands in the denominator too, and more relevant items within the cut may lower AP.

    Args:
        ranking: groups of tied items of q queries.
        k: how many ranks count, at least 1; None, like any k beyond the database, is the whole database.
        denominator: D, "hits" (relevant items within the first k; the deep hashing literature), "min" (the smaller of
            k and R, all relevant items of the database) or "total" (R).
        order: "expected" over uniformly random orders of the ties, or the "best" or "worst" of them.

    Returns:
        float64 [q] in [0, 1]; 0 with no hit within the first k, NaN where the database holds no relevant item.

    Raises:
        ValueError: k is below 1.
    """
    cut = ranking.cut(k)
    sums = _precision_sums(ranking, order)[np.arange(len(ranking)), cut.group]
    divisors = {"hits": np.zeros_like(cut.k), "min": np.minimum(cut.k, ranking.total_relevant)}
    divisor = divisors.get(denominator, ranking.total_relevant)
    values = np.empty(len(ranking))
    _add_cut_groups(ORDERS.index(order), sums, cut.items, cut.hits, cut.n, cut.r, cut.taken, divisor, values)
    return np.where(ranking.total_relevant > 0, values, np.nan)


def _precision_sums(ranking: Ranking, order: Order) -> FloatArray:
    """Float64 [q, groups + 1]: before each group, the sum over relevant items of the precision at their rank."""
    if order not in ranking.precision_sums:
        sums = ranking.precision_sums[order] = np.empty((len(ranking), ranking.items.shape[1] + 1))
        before = ranking.items_before, ranking.hits_before
        _sum_groups(ORDERS.index(order), ranking.items, ranking.relevant, before[0], before[1], sums)
    return ranking.precision_sums[order]


@or_uncompiled
@parallel_entry_point
def _sum_groups(order: int, items: Any, relevant: Any, items_before: Any, hits_before: Any, sums: Any) -> None:
    """Fill ``sums`` [q, groups + 1] with the sum of precisions before each group, and of all groups."""
    for query in prange(len(items)):
        total = 0.0
        for group in range(items.shape[1]):
            sums[query, group] = total
            if relevant[query, group] > 0:
                before = items_before[query, group], hits_before[query, group]
                total += _group_sum(order, before[0], before[1], items[query, group], relevant[query, group])
        sums[query, items.shape[1]] = total


@compiled
def _group_sum(order: int, items: Any, hits: Any, n: Any, r: Any) -> Any:
    """What one group adds to the sum of precisions, in the order with this index in :data:`ORDERS`."""
    if order == _EXPECTED:
        return expected_sum(items, hits, n, r)
    if order == _BEST:
        return _best_sum(items, hits, n, r)
    return _worst_sum(items, hits, n, r)


@compiled
def expected_sum(items: Any, hits: Any, n: Any, r: Any) -> Any:
    """The mean over all orders of the group (McSherry and Najork, ECIR 2008).

    The j-th position adds (r/n) (hits + 1 + (j-1) slope) / (items + j), slope = (r-1) / (n-1); j-1 is written as
    (items+j) - (items+1), so that the sum over j becomes a difference of harmonic numbers.
    """
    slope = (r - 1) / max(n - 1, 1)
    return r / n * ((hits + 1 - slope * (items + 1)) * harmonic_difference(items, n) + slope * n)


@compiled
def _best_sum(items: Any, hits: Any, n: Any, r: Any) -> Any:  # noqa: ARG001 - one signature
    """The relevant items first: sum over j = 1..r of (hits + j) / (items + j)."""
    return r + (hits - items) * harmonic_difference(items, r)


@compiled
def _worst_sum(items: Any, hits: Any, n: Any, r: Any) -> Any:
    """The relevant items last: what :func:`_best_sum` gives behind the n - r others."""
    return _best_sum(items + n - r, hits, r, r)


@or_uncompiled
@parallel_entry_point
def _add_cut_groups(
    order: int, sums: Any, items: Any, hits: Any, n: Any, r: Any, taken: Any, divisors: Any, values: Any
) -> None:
    """AP of each query: what its groups before the cut add up to, and what the cut one adds, divided.

    Args:
        order: an index into :data:`ORDERS`.
        sums: float64 [q], of precisions before the cut group.
        items: int64 [q], items before it.
        hits: int64 [q], relevant ones among them.
        n: int64 [q], items of the cut group.
        r: int64 [q], relevant ones among them.
        taken: int64 [q], how many of its items stand before the cut.
        divisors: int64 [q], of AP; 0 for the hits before the cut.
        values: float64 [q], written to.
    """
    for query in prange(len(sums)):
        here = items[query], hits[query], n[query], r[query], taken[query], divisors[query]
        if order == _EXPECTED:
            values[query] = expectation(sums[query], *here, float(hits[query]), 1.0)
        else:
            values[query] = _extreme(order, sums[query], *here)


@compiled
def expectation(
    before: Any, items: Any, hits: Any, n: Any, r: Any, taken: Any, divisor: Any, ahead: Any, gain: Any
) -> Any:
    """Mean of AP over h, the relevant items among those taken, which is hypergeometric.

    Given h, the taken items are in random order: :func:`expected_sum`, which is a polynomial in h. So with
    a fixed divisor the mean follows from those of h and h (h-1). With the hits it is added up with the weights
    P(h+1) / P(h) = (r-h)(m-h) / ((h+1)(n-r-m+h+1)), m items taken, from the most likely h upwards and downwards, as
    far as it matters. Where relevant items have other gains than 1, ``gain`` is the group's mean and ``ahead``, else
    the hits, the gains before it in units of that.
    """
    m, others = taken, n - r
    low, high = max(0, m - others), min(m, r)
    difference = harmonic_difference(items, m)
    flat = gain * (ahead + 1) * difference / m
    steep = gain * (m - (items + 1) * difference) / max(m - 1, 1) / m
    if divisor > 0:
        return (before + m * r / n * (flat + (m - 1) * (r - 1) / max(n - 1, 1) * steep)) / divisor
    mode = min(max((m + 1) * (r + 1) // (n + 2), low), high)
    weights = total = 0.0
    weight, h = 1.0, mode
    while h <= high and weight > _MIN_WEIGHT:
        weights += weight
        total += weight * (before + h * (flat + (h - 1) * steep)) / max(hits + h, 1)
        weight *= (r - h) * (m - h) / ((h + 1) * (others - m + h + 1))
        h += 1
    weight, h = 1.0, mode
    while h > low:
        weight *= h * (others - m + h) / ((r - h + 1) * (m - h + 1))
        if weight <= _MIN_WEIGHT:
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
    first = items if order == _BEST else end - low
    difference = harmonic_difference(first, low)
    extreme = 0.0
    for h in range(low, high + 1):
        if h > low:
            difference += 1.0 / (items + h if order == _BEST else end - h + 1)
        start = items if order == _BEST else end - h
        value = (before + h + (hits - start) * difference) / max(hits + h if divisor == 0 else divisor, 1)
        if h == low or (value > extreme if order == _BEST else value < extreme):
            extreme = value
    return extreme


@compiled
def harmonic_difference(start: Any, count: Any) -> Any:
    """H(start + count) - H(start) = 1/(start+1) + ... + 1/(start+count).

    Subtracting harmonic numbers would lose digits that matter once multiplied by ``start``, so the
    part above 256 is taken from the difference of their asymptotic expansions (Abramowitz and Stegun 6.3.18).

    Args:
        start: a whole number >= 0.
        count: a whole number >= 0.
    """
    end = start + count
    if end <= _TABLE_END:
        return _HARMONIC[end] - _HARMONIC[start]
    head, low = 0.0, start
    if start < _TABLE_END:
        head, low = _HARMONIC[_TABLE_END] - _HARMONIC[start], _TABLE_END
    return head + math.log1p((end - low) / low) + (_expansion(end) - _expansion(low))


@compiled
def _expansion(x: Any) -> Any:
    """H(x) - log(x) - Euler's constant; the next term, 1 / (252 x^6), is below 1e-16 from 256 on."""
    inverse = 1.0 / x
    square = inverse * inverse
    return inverse / 2 - square / 12 + square * square / 120
