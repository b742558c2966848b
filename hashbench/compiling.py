"""numba's ``njit`` and ``prange``, or what stands in for them where it does not work: the same loops, uncompiled.

Compiled code is kept beside its source, or in the user's cache folder, so that it is compiled once.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Loop = TypeVar("Loop", bound=Callable[..., Any])

prange: Any = range
try:
    import numba
except ImportError:
    numba = None
else:
    prange = numba.prange


def compiled(loop: Loop) -> Loop:
    """The function, compiled at its first call."""
    return _compile(loop, parallel=False)


def compiled_parallel(loop: Loop) -> Loop:
    """The same, its ``prange`` shared among threads."""
    return _compile(loop, parallel=True)


def _compile(loop: Loop, parallel: bool) -> Loop:
    if numba is None:
        return loop
    made: Loop = numba.njit(cache=True, boundscheck=False, parallel=parallel)(loop)
    return made
