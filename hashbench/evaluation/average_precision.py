"""Average precision of rankings with ties: expectation and exact bounds over all orders of the ties."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from hashbench.evaluation.harmonic import FloatArray
from hashbench.evaluation.ranking import Cut, IntArray, Ranking
from hashbench.evaluation.tied_group import SUMS, Order

Denominator = Literal["hits", "min", "total"]

_BLOCK = 1 << 20


def average_precision(
    ranking: Ranking, k: int | None = None, denominator: Denominator = "hits", order: Order = "expected"
) -> FloatArray:
    """AP@k = (1/D) * sum over the relevant items at ranks up to k of the precision at their rank.

    The group that rank k cuts gives h of its r relevant items to the first k, h being hypergeometric. The expectation
    is the sum over h of P(h) AP(h); the bounds are the extremes of AP(h) over every h there can be, since with "hits"
    h stands in the denominator too, and more relevant items within the cut may lower AP.

    Args:
        ranking: groups of tied items of q queries.
        k: how many places count, at least 1; None, like any k beyond the database, is the whole database.
        denominator: D, "hits" (relevant items within the first k; the deep hashing literature), "min" (the smaller of
            k and R, all relevant items of the database) or "total" (R).
        order: "expected" over uniformly random orders of the ties, or the "best" or "worst" of them.

    Returns:
        float64 [q] in [0, 1]; 0 with no hit within the first k, NaN where the database holds no relevant item.

    Raises:
        ValueError: k is below 1.
    """
    cut = ranking.cut(k)
    sums = ranking.precision_sums(order)[np.arange(len(ranking)), cut.group]
    fixed = {"hits": None, "min": np.minimum(cut.k, ranking.total_relevant), "total": ranking.total_relevant}
    result = np.empty(len(ranking))
    for rows in _blocks(cut):
        part = Cut(cut.k[rows], cut.group[rows], cut.items[rows], cut.hits[rows], cut.n[rows], cut.r[rows])
        divisor = fixed[denominator]
        result[rows] = _over_the_cut(part, sums[rows], None if divisor is None else divisor[rows], order)
    return np.where(ranking.total_relevant > 0, result, np.nan)


def _over_the_cut(cut: Cut, sums: FloatArray, divisor: IntArray | None, order: Order) -> FloatArray:
    """AP from the precision sums before the cut groups; ``divisor`` [q], or None for the hits."""
    low, high = _fewest(cut), np.minimum(cut.taken, cut.r)
    h = np.minimum(low[:, None] + np.arange((high - low).max() + 1), high[:, None])
    add = SUMS[order]
    totals = sums[:, None] + add(cut.items[:, None], cut.hits[:, None], cut.taken[:, None], h)
    divisors = cut.hits[:, None] + h if divisor is None else divisor[:, None]
    values: FloatArray = totals / np.maximum(divisors, 1)
    if order == "best":
        return np.asarray(values.max(axis=1))
    if order == "worst":
        return np.asarray(values.min(axis=1))
    return np.asarray((values * _hypergeometric(cut, h)).sum(axis=1))


def _fewest(cut: Cut) -> IntArray:
    """The fewest relevant items that the cut can take: those for which the others do not suffice."""
    return np.maximum(0, cut.taken - (cut.n - cut.r))


def _hypergeometric(cut: Cut, h: IntArray) -> FloatArray:
    """P(h) for ascending h [q, w], rows filled up with their highest h, which get 0 after its first time.

    P(h+1) / P(h) = (r-h)(m-h) / ((h+1)(n-r-m+h+1)) with m items taken: sums of logarithms of ratios keep the digits
    that logarithms of factorials would lose. At the highest h the ratio is 0, and so is all that follows.
    """
    n, r, m = cut.n[:, None], cut.r[:, None], cut.taken[:, None]
    before = h[:, :-1]
    with np.errstate(divide="ignore"):
        ratio = np.log((r - before) * (m - before) / ((before + 1) * (n - r - m + before + 1)))
    weight = np.zeros(h.shape)
    np.cumsum(ratio, axis=1, out=weight[:, 1:])
    weight -= weight.max(axis=1, keepdims=True)
    np.exp(weight, out=weight)
    weight /= weight.sum(axis=1, keepdims=True)
    return weight


def _blocks(cut: Cut) -> Iterator[slice]:
    """Runs of queries for which a table of all h stays within 2^20 numbers, or a single query."""
    width = int((np.minimum(cut.taken, cut.r) - _fewest(cut)).max(initial=0)) + 1
    step = max(1, _BLOCK // width)
    for start in range(0, len(cut.k), step):
        yield slice(start, start + step)
