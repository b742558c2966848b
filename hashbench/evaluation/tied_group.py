"""What one group of tied items adds to the sum of precisions behind average precision.

A group holds ``n`` items, ``r`` of them relevant, in any order; ``items`` items stand before it, ``hits`` of them
relevant. Each function gives the sum over the group's relevant items of the precision at their rank. All arguments
are whole numbers; ``n`` is at least 1.
"""

from typing import Any, Literal

from hashbench.evaluation.harmonic import harmonic_difference
from hashbench.search.numba_cache import compiled

Order = Literal["expected", "best", "worst"]
ORDERS: tuple[Order, ...] = ("expected", "best", "worst")
EXPECTED, BEST, WORST = range(3)  # places in ORDERS, as compiled loops know them


@compiled
def expected_sum(items: Any, hits: Any, n: Any, r: Any) -> Any:
    """The mean over all orders of the group (McSherry and Najork, ECIR 2008).

    The j-th position adds (r/n) (hits + 1 + (j-1) slope) / (items + j), slope = (r-1) / (n-1); j-1 is written as
    (items+j) - (items+1), so that the sum over j becomes a difference of harmonic numbers.
    """
    slope = (r - 1) / max(n - 1, 1)
    return r / n * ((hits + 1 - slope * (items + 1)) * harmonic_difference(items, n) + slope * n)


@compiled
def best_sum(items: Any, hits: Any, n: Any, r: Any) -> Any:  # noqa: ARG001 - one signature
    """The relevant items first: sum over j = 1..r of (hits + j) / (items + j)."""
    return r + (hits - items) * harmonic_difference(items, r)


@compiled
def worst_sum(items: Any, hits: Any, n: Any, r: Any) -> Any:
    """The relevant items last: what :func:`best_sum` gives behind the n - r others."""
    return best_sum(items + n - r, hits, r, r)


@compiled
def group_sum(order: int, items: Any, hits: Any, n: Any, r: Any) -> Any:
    """One of the three, by its place in :data:`ORDERS`."""
    if order == EXPECTED:
        return expected_sum(items, hits, n, r)
    if order == BEST:
        return best_sum(items, hits, n, r)
    return worst_sum(items, hits, n, r)
