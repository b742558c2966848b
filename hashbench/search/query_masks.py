"""Masks of the queries' bits, as the kernels read them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes

_ALL_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)
_CHUNK_WORDS = 1 << 21  # of masks at a time


def query_chunks(queries: Codes) -> Iterator[slice]:
    """Slices of queries whose :func:`query_masks` are at most 16 MiB, or of a single query."""
    step = max(1, _CHUNK_WORDS // (8 * queries.packed.shape[1]))
    for start in range(0, len(queries), step):
        yield slice(start, start + step)


def query_masks(queries: Codes) -> npt.NDArray[np.uint64]:
    """Uint64 [q, 8 * bytes], all ones where a bit is set: XOR with it leaves 1 in the bits that differ."""
    return np.where(np.unpackbits(queries.packed, axis=1) > 0, _ALL_ONES, np.uint64(0))


def popcounts(queries: Codes) -> npt.NDArray[np.int64]:
    """Int64 [q]: how many bits of each query are set, its distance to a code of zeros."""
    counts: npt.NDArray[np.int64] = np.bitwise_count(queries.packed).sum(axis=1, dtype=np.int64)
    return counts


def counter_bits(queries: Codes) -> int:
    """How many bits it takes to write down the largest distance between codes of this length."""
    rows: int = 8 * queries.packed.shape[1]
    return rows.bit_length()
