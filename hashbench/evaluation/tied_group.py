"""What one group of tied items adds to the sum of precisions behind average precision.

A group holds ``n`` items, ``r`` of them relevant, in any order; ``items`` items stand before it, ``hits`` of them
relevant. Each function gives the sum over the group's relevant items of the precision at their rank. All arguments
are arrays of whole numbers that broadcast; ``n`` is at least 1.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from hashbench.evaluation.harmonic import FloatArray, Numbers, harmonic_difference

Order = Literal["expected", "best", "worst"]


def expected_sum(items: Numbers, hits: Numbers, n: Numbers, r: Numbers) -> FloatArray:
    """The mean over all orders of the group (McSherry and Najork, ECIR 2008).

    The j-th position adds (r/n) (hits + 1 + (j-1) slope) / (items + j), slope = (r-1) / (n-1); j-1 is written as
    (items+j) - (items+1), so that the sum over j becomes a difference of harmonic numbers.
    """
    slope = (r - 1) / np.maximum(n - 1, 1)
    sums = (hits + 1 - slope * (items + 1)) * harmonic_difference(items, n) + slope * n
    result: FloatArray = r / n * sums
    return result


def best_sum(items: Numbers, hits: Numbers, n: Numbers, r: Numbers) -> FloatArray:  # noqa: ARG001 - one signature
    """The relevant items first: sum over j = 1..r of (hits + j) / (items + j)."""
    result: FloatArray = r + (hits - items) * harmonic_difference(items, r)
    return result


def worst_sum(items: Numbers, hits: Numbers, n: Numbers, r: Numbers) -> FloatArray:
    """The relevant items last: what :func:`best_sum` gives behind the n - r others."""
    return best_sum(items + n - r, hits, r, r)


SUMS: dict[Order, Callable[[Numbers, Numbers, Numbers, Numbers], FloatArray]] = {
    "expected": expected_sum,
    "best": best_sum,
    "worst": worst_sum,
}
