"""Layouts of codes that vector databases and libraries take; the order of the bits is that of the code everywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes


def packed(codes: Codes) -> npt.NDArray[np.uint8]:
    """Uint8 [n, ceil(bits / 8)]: the first bit is the highest of the first byte, padding at the end is zero.

    What ``numpy.packbits`` gives, sentence-transformers as "ubinary", and faiss reads (``IndexBinaryFlat`` of 8 times
    the bytes).
    """
    return codes.packed


def pgvector(codes: Codes) -> list[str]:
    """The text of a ``bit(n)`` for each item, "0110...": the first bit at the left, without padding."""
    return ["".join(row) for row in np.where(codes.unpack(), "1", "0").tolist()]


def qdrant(codes: Codes) -> npt.NDArray[np.float32]:
    """Float32 [n, bits] of +1 and -1, whose signs are what Qdrant's binary quantisation keeps.

    The dot product of two is bits - 2 times their Hamming distance.
    """
    return np.where(codes.unpack(), np.float32(1), np.float32(-1))


@dataclass(frozen=True)
class Layout:
    """A layout: the ending of its file, and what makes its rows of codes."""

    ending: str
    rows: Callable[[Codes], npt.NDArray[Any] | list[str]]


LAYOUTS = {
    "packed": Layout(".npy", packed),
    "pgvector": Layout(".txt", pgvector),
    "qdrant": Layout(".npy", qdrant),
}
