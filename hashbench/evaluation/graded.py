"""Metrics of graded relevance, whose gain is the number of labels that an item shares with the query.

All are expectations over uniformly random orders of the ties: in a group of n items whose gains add up to s, each place
has the expected gain s / n.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hashbench.evaluation.average_precision import expectation, expected_sum
from hashbench.evaluation.ranking import FloatArray, Ranking, running
from hashbench.search.numba_cache import or_uncompiled, parallel_entry_point, prange

if TYPE_CHECKING:  # it imports torch: reports read the metrics' names
    from hashbench.search.backend import Gains


def ndcg(ranking: Ranking, k: int | None) -> FloatArray:
    """NDCG@k: DCG@k, the sum over ranks up to k of (2^shared - 1) / log2(1 + rank), by that of the best ranking.

    Returns:
        float64 [q] in [0, 1]; NaN without a relevant item in the database.
    """
    gains, cut = _gains(ranking), ranking.cut(k)
    discounts = _discounts(int(ranking.total_items.max()))
    rows = np.arange(len(ranking))
    taken = discounts[cut.k] - discounts[cut.items]
    dcg = _discounted(ranking, gains)[rows, cut.group] + gains.exponential[rows, cut.group] * taken / cut.n
    level = np.arange(gains.at_least.shape[1])  # each label more adds 2^level to the gain of the items that share it
    weights = np.exp2(np.minimum(level - gains.labels[:, None], 0))
    best = (weights * discounts[np.minimum(gains.at_least, cut.k[:, None])]).sum(axis=1)
    return np.where(best > 0, dcg / np.where(best > 0, best, 1), np.nan)


def acg(ranking: Ranking, k: int) -> FloatArray:
    """ACG@k, average cumulative gain: expected shared labels of the first k items, divided by k.

    Returns:
        float64 [q], at least 0; NaN without a relevant item in the database.
    """
    gains, cut = _gains(ranking), ranking.cut(k)
    rows = np.arange(len(ranking))
    ahead = running(gains.shared)[rows, cut.group]
    total = ahead + cut.taken * gains.shared[rows, cut.group] / cut.n
    return np.where(ranking.total_relevant > 0, total / k, np.nan)


def weighted_average_precision(ranking: Ranking, k: int | None) -> FloatArray:
    """WAP@k: the mean of ACG at the ranks of the relevant items up to k; with gains of 1 it is average precision.

    Returns:
        float64 [q], at least 0; 0 with no hit within the first k, NaN where the database holds no relevant item.
    """
    gains, cut = _gains(ranking), ranking.cut(k)
    if "weighted" not in ranking.precision_sums:
        sums = ranking.precision_sums["weighted"] = np.empty((len(ranking), ranking.items.shape[1] + 1))
        _sum_groups(ranking.items, ranking.relevant, gains.shared, ranking.items_before, sums)
    rows = np.arange(len(ranking))
    before, ahead = ranking.precision_sums["weighted"][rows, cut.group], running(gains.shared)[rows, cut.group]
    values = np.empty(len(ranking))
    shared = gains.shared[rows, cut.group]
    _add_cut_groups(before, ahead, shared, cut.items, cut.hits, cut.n, cut.r, cut.taken, values)
    return np.where(ranking.total_relevant > 0, values, np.nan)


def _gains(ranking: Ranking) -> "Gains":
    if ranking.gains is None:
        raise ValueError("this ranking has no gains: no query and item can share more than one label")
    return ranking.gains


def _discounted(ranking: Ranking, gains: "Gains") -> FloatArray:
    """Float64 [q, groups + 1]: expected DCG before each group, and of all."""
    if "discounted" not in ranking.precision_sums:
        discounts = _discounts(int(ranking.total_items.max()))
        spread = np.diff(discounts[ranking.items_before], axis=1)
        ranking.precision_sums["discounted"] = running(gains.exponential * spread / np.maximum(ranking.items, 1))
    return ranking.precision_sums["discounted"]


@lru_cache(maxsize=2)
def _discounts(items: int) -> FloatArray:
    """Float64 [items + 1]: sums of 1 / log2(1 + rank) over the first 0, 1, ... ranks."""
    sums = np.zeros(items + 1)
    np.cumsum(1 / np.log2(np.arange(2, items + 2)), out=sums[1:])
    return sums


@or_uncompiled
@parallel_entry_point
def _sum_groups(items: Any, relevant: Any, shared: Any, items_before: Any, sums: Any) -> None:
    """Fill ``sums`` [q, groups + 1] with the sum of ACG at relevant items' ranks before each group, and of all groups.

    An item's gain is that of the mean relevant item of its group; in units of it, what stands before the group is a
    number of hits, and the sum is that of average precision.
    """
    for query in prange(len(items)):
        total, ahead = 0.0, 0.0
        for group in range(items.shape[1]):
            sums[query, group] = total
            n, r = items[query, group], relevant[query, group]
            if r > 0:
                gain = shared[query, group] / r
                total += gain * expected_sum(items_before[query, group], ahead / gain, n, r)
                ahead += shared[query, group]
        sums[query, items.shape[1]] = total


@or_uncompiled
@parallel_entry_point
def _add_cut_groups(
    before: Any, ahead: Any, shared: Any, items: Any, hits: Any, n: Any, r: Any, taken: Any, values: Any
) -> None:
    """WAP of each query: what its groups before the cut add up to, and what the cut one adds, divided by the hits.

    Args:
        before: float64 [q], of ACG at relevant items' ranks before the cut group.
        ahead: int64 [q], gains of the items before it.
        shared: int64 [q], gains of its items.
        items: int64 [q], items before it.
        hits: int64 [q], relevant ones among them.
        n: int64 [q], items of the cut group.
        r: int64 [q], relevant ones among them.
        taken: int64 [q], how many of its items stand before the cut.
        values: float64 [q], written to.
    """
    for query in prange(len(before)):
        gain = shared[query] / r[query] if r[query] > 0 else 1.0
        here = items[query], hits[query], n[query], r[query], taken[query], 0
        values[query] = expectation(before[query], *here, ahead[query] / gain, gain)
