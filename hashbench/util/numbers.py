"""Checks numbers that users give: numpy's count as Python's, True and 5.0 are no whole numbers, nan is no number."""

import math
import operator
import re

import numpy as np

from hashbench.errors import UsageError

BILLION = 1_000_000_000
INT64 = 2**63
BYTES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def whole_number(name: str, value: object, low: int, high: int = BILLION, wanted: str = "") -> int:
    """A whole number from ``low`` to ``high``, as Python's int.

    Args:
        name: what messages call it.
        value: what was given; a whole number of Python's or numpy's, no bool, no float.
        low: the lowest that is allowed.
        high: the highest.
        wanted: words for what is allowed; by default the bounds.

    Raises:
        UsageError: it is something else; one line.
    """
    whole = None if isinstance(value, (bool, np.bool_)) else _index(value)
    if whole is None or not low <= whole <= high:
        raise UsageError(f"{name} is {_shown(value)}, wanted {wanted or f'a whole number from {low} to {high}'}")
    return whole


def positive_number(name: str, value: object, unit: str = "") -> float:
    """A finite number above 0, as Python's float; ``unit`` follows it in messages, " s" say.

    Raises:
        UsageError: it is something else; one line.
    """
    given = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    try:
        number = float(value) if given else math.nan  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if not 0 < number < math.inf:
        shown = f"{value:g}" if isinstance(value, float) else _shown(value)
        raise UsageError(f"{name} is {shown}{unit}, wanted more than 0, and finite")
    return number


def byte_size(name: str, value: object) -> int:
    """A number of bytes: a whole number, or a text such as "8G", "1.5G" or "500M" (powers of 1,024).

    Raises:
        UsageError: it is something else, or nothing; one line.
    """
    if not isinstance(value, str):
        return whole_number(name, value, 1, INT64)
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT])i?B?", value.strip(), re.ASCII | re.IGNORECASE)
    size = int(float(found[1]) * BYTES[found[2].upper()]) if found else 0
    if size < 1:
        raise UsageError(f"{name} is {value!r}, wanted a number above 0 with K, M, G or T, as in 8G")
    return size


def _index(value: object) -> int | None:
    """Numbers that Python takes as an index; an array of one number is none of them."""
    if getattr(value, "ndim", 0) != 0:
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _shown(value: object) -> str:
    return str(value) if isinstance(value, np.generic) else repr(value)
