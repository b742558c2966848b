"""Differences of harmonic numbers, to full relative precision."""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]

_TABLE_END = 256
_TABLE = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, _TABLE_END + 1))])


def harmonic_difference(start: Numbers, count: Numbers) -> FloatArray:
    """H(start + count) - H(start) = 1/(start+1) + ... + 1/(start+count).

    Harmonic numbers subtracted from each other would lose digits that a factor of ``start`` brings to the fore, so the
    part above 256 is taken from the difference of their asymptotic expansions (Abramowitz and Stegun 6.3.18).

    Args:
        start: whole numbers >= 0, any shape.
        count: whole numbers >= 0, of a shape that broadcasts with ``start``.
    """
    end = start + count
    head = _TABLE[np.minimum(end, _TABLE_END)] - _TABLE[np.minimum(start, _TABLE_END)]
    low, high = np.maximum(start, _TABLE_END), np.maximum(end, _TABLE_END)
    result: FloatArray = head + np.log1p((high - low) / low) + (_expansion(high) - _expansion(low))
    return result


def _expansion(x: Numbers) -> FloatArray:
    """H(x) - log(x) - Euler's constant; the next term, 1 / (252 x^6), is below 1e-16 from 256 on."""
    inverse = 1.0 / x
    square = inverse * inverse
    result: FloatArray = inverse / 2 - square / 12 + square * square / 120
    return result
