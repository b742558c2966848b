"""Differences of harmonic numbers, to full relative precision."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.search.numba_cache import compiled

FloatArray = npt.NDArray[np.float64]

_TABLE_END = 256
_TABLE = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, _TABLE_END + 1))])


@compiled
def harmonic_difference(start: Any, count: Any) -> Any:
    """H(start + count) - H(start) = 1/(start+1) + ... + 1/(start+count).

    Harmonic numbers subtracted from each other would lose digits that a factor of ``start`` brings to the fore, so the
    part above 256 is taken from the difference of their asymptotic expansions (Abramowitz and Stegun 6.3.18).

    Args:
        start: a whole number >= 0.
        count: a whole number >= 0.
    """
    end = start + count
    if end <= _TABLE_END:
        return _TABLE[end] - _TABLE[start]
    head, low = 0.0, start
    if start < _TABLE_END:
        head, low = _TABLE[_TABLE_END] - _TABLE[start], _TABLE_END
    return head + math.log1p((end - low) / low) + (_expansion(end) - _expansion(low))


@compiled
def _expansion(x: Any) -> Any:
    """H(x) - log(x) - Euler's constant; the next term, 1 / (252 x^6), is below 1e-16 from 256 on."""
    inverse = 1.0 / x
    square = inverse * inverse
    return inverse / 2 - square / 12 + square * square / 120
