"""Adjusted p of many pairs by their largest resampled stray, stepped down from the farthest pair to the closest.

Romano and Wolf, Stepwise multiple testing as formalized data snooping (2005), section 4.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashbench.reporting.statistics import SIGNIFICANCE, FloatArray

IntArray = npt.NDArray[np.int64]

_ROUNDING = 1e-12  # which must not decide
_SLACK = 1e-6  # standard errors, far beyond the rounding of a bound


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of items, all [pairs].

    Attributes:
        first, second: indices of the items.
        apart: how far their means are from each other.
        errors: standard errors of that.
    """

    first: IntArray
    second: IntArray
    apart: FloatArray
    errors: FloatArray


def step_down(pairs: Pairs, strays: FloatArray, centres: FloatArray) -> tuple[FloatArray, float]:
    """Adjusted p of each pair, and how many standard errors one has to be apart that is not yet told apart.

    The farther pairs, beyond what any resample can reach, are not resampled: their p is 1 / (1 + resamples).

    Args:
        pairs: one at least.
        strays: how far resampled means are from the observed ones, [items, resamples], rows contiguous.
        centres: of each item [items] the largest distance of its strays from those of its group's mean.
    """
    resamples = strays.shape[1]
    sizes = _in_errors(np.abs(pairs.apart), pairs.errors)
    order = np.argsort(sizes, kind="stable")
    ascending = sizes[order] * (1 - _ROUNDING)
    raw = np.full(len(order), 1 / (1 + resamples))
    last = np.zeros(resamples)
    for place, largest in enumerate(_running_maxima(pairs, strays, order, ascending, _reach(pairs, centres)[order])):
        raw[place] = (1 + np.count_nonzero(largest >= ascending[place])) / (1 + resamples)
        if place == 0 or raw[place] >= SIGNIFICANCE:
            np.copyto(last, largest)
    p = np.empty_like(raw)
    p[order] = np.maximum.accumulate(raw[::-1])[::-1]
    return p, float(np.quantile(last, 1 - SIGNIFICANCE))


def _running_maxima(
    pairs: Pairs, strays: FloatArray, order: IntArray, ascending: FloatArray, reach: FloatArray
) -> Iterator[FloatArray]:
    """For each pair in ``order`` the largest stray, in standard errors, of it and all before it, [resamples].

    One array, which each step changes. Ends, after the first, where no later pair can reach the sizes that follow.
    """
    reach_from = np.maximum.accumulate(reach[::-1])[::-1]
    largest, stray = np.zeros(strays.shape[1]), np.empty(strays.shape[1])
    for place, pair in enumerate(order.tolist()):
        if place and ascending[place] > reach_from[place] and ascending[place] > largest.max():
            return
        np.subtract(strays[pairs.first[pair]], strays[pairs.second[pair]], out=stray)
        np.abs(stray, out=stray)
        error = pairs.errors[pair]
        np.maximum(largest, stray / error if error > 0 else _in_errors(stray, np.zeros(1)), out=largest)
        yield largest


def _reach(pairs: Pairs, centres: FloatArray) -> FloatArray:
    """No resample takes a pair farther than this, in standard errors [pairs]."""
    distance = centres[pairs.first] + centres[pairs.second]
    reach = np.full(len(distance), math.inf)
    np.divide(distance, pairs.errors, out=reach, where=pairs.errors > 0)
    return reach + _SLACK


def _in_errors(differences: FloatArray, errors: FloatArray) -> FloatArray:
    """Sizes in standard errors; where those are 0, all beyond rounding is infinitely far."""
    far = np.where(differences > _ROUNDING, math.inf, 0.0)
    return np.divide(differences, errors, out=far, where=np.broadcast_to(errors > 0, differences.shape))
