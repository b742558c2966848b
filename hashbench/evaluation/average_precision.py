"""Average precision of rankings with ties: expectation and exact bounds over all orders of the ties."""

from typing import Literal

import numpy as np

from hashbench.evaluation.harmonic import FloatArray
from hashbench.evaluation.ranking import Ranking
from hashbench.evaluation.tie_loops import add_cut_groups
from hashbench.evaluation.tied_group import ORDERS, Order

Denominator = Literal["hits", "min", "total"]


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
    divisors = {"hits": np.zeros_like(cut.k), "min": np.minimum(cut.k, ranking.total_relevant)}
    divisor = divisors.get(denominator, ranking.total_relevant)
    found = np.empty(len(ranking))
    add_cut_groups(ORDERS.index(order), sums, cut.items, cut.hits, cut.n, cut.r, cut.taken, divisor, found)
    return np.where(ranking.total_relevant > 0, found, np.nan)
