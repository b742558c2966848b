"""Checksums of vectors, row by row: equal rows have equal ones."""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hashbench.dataset import Items, Vectors

BLOCK_BYTES = 1 << 25  # of rows as float32, read at a time
SUM_BYTES = 16


class RowBlock(NamedTuple):
    """Some items of a data set of vectors.

    Attributes:
        items: their numbers.
        rows: their vectors [n, d].
        sums: uint8 [n, 16], a checksum of the numbers in each row.
    """

    items: Items
    rows: npt.NDArray[Any]
    sums: npt.NDArray[np.uint8]


def row_blocks(vectors: Vectors, items: Items) -> Iterator[RowBlock]:
    """The vectors of ``items``, some at a time, with their checksums."""
    step = max(1, BLOCK_BYTES // (vectors.shape[1] * 4))
    for start in range(0, len(items), step):
        part = items[start : start + step]
        rows = vectors[part]
        plain = np.ascontiguousarray(rows + rows.dtype.type(0))  # -0.0 as 0.0
        sums = b"".join(hashlib.blake2b(row, digest_size=SUM_BYTES).digest() for row in plain)
        yield RowBlock(part, rows, np.frombuffer(sums, dtype=np.uint8).reshape(-1, SUM_BYTES))
