"""The compiled kernels, where this machine can have them, and the queries as they read them."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.util.progress import log_to_stderr

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_WORDS = 1 << 21  # of flips at a time


@cache
def kernels() -> ModuleType | None:
    """``hashbench.search.kernels``, or None, with a line once, where numba does not work."""
    try:
        return import_module("hashbench.search.kernels")
    except ImportError as error:
        log_to_stderr(f"numba does not work here ({error}): Hamming distances are counted by torch, which takes longer")
        return None


def needed_kernels() -> ModuleType:
    """:func:`kernels`, for what does not go without.

    Raises:
        RuntimeError: there are none here.
    """
    found = kernels()
    if found is None:
        raise RuntimeError("no compiled kernels here")
    return found


def runs(query: Codes) -> Iterator[slice]:
    """Runs of queries whose :func:`flips` are at most 16 MiB, or a single query."""
    step = max(1, _WORDS // (8 * query.packed.shape[1]))
    for start in range(0, len(query), step):
        yield slice(start, start + step)


def flips(query: Codes) -> npt.NDArray[np.uint64]:
    """Uint64 [q, 8 * bytes], all ones where a bit is set: what makes 1 of the bits that differ."""
    return np.where(np.unpackbits(query.packed, axis=1) > 0, _ALL, np.uint64(0))


def weights(query: Codes) -> npt.NDArray[np.int64]:
    """Int64 [q]: how many bits of each query are set, its distance to a code of zeros."""
    counts: npt.NDArray[np.int64] = np.bitwise_count(query.packed).sum(axis=1, dtype=np.int64)
    return counts


def counter_rows(query: Codes) -> int:
    """How many bits the largest distance between codes of this length has as a number."""
    rows: int = 8 * query.packed.shape[1]
    return rows.bit_length()
