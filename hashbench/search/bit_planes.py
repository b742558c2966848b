"""Bits of many items, one row of 64-bit words per bit: 64 items are compared by each operation on a word."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WORDS = 128  # of a block's row; a block of 64-bit codes is 64 KiB, which a core's second cache holds
BLOCK = 64 * WORDS  # items
GROUP = 8  # rows that are added at once: planes of codes have a multiple of these


@dataclass(frozen=True, eq=False)
class BitPlanes:
    """The bits of ``items`` items.

    Attributes:
        words: uint64 [blocks, rows, WORDS]; bit ``i`` of word ``w`` in row ``r`` of block ``b`` is bit ``r`` of the
            item ``BLOCK * b + 64 * w + i``. Rows and items that fill up are zero.
        items: how many there are.
    """

    words: npt.NDArray[np.uint64]
    items: int

    @property
    def filled_up(self) -> int:
        """Items of zeros behind the last one."""
        return len(self.words) * BLOCK - self.items


def bit_planes(packed: npt.NDArray[np.uint8]) -> BitPlanes:
    """Planes of rows of packed bits, uint8 [n, width], the first bit highest; 8 * width rows.

    Memory: that of the answer, which is as large as ``packed``, and of one block.
    """
    items, width = packed.shape
    blocks = -(-items // BLOCK)
    words = np.zeros((blocks, 8 * width, WORDS), dtype=np.uint64)
    for block in range(blocks):
        part = packed[block * BLOCK : (block + 1) * BLOCK]
        rows = np.unpackbits(np.ascontiguousarray(part.T).reshape(width, -1, 1), axis=2)  # [width, items, 8]
        planes = np.packbits(rows.transpose(0, 2, 1), axis=2, bitorder="little")  # [width, 8, bytes]
        planes = planes.reshape(8 * width, -1)
        words[block].view(np.uint8)[:, : planes.shape[1]] = planes
    return BitPlanes(words, items)


def stretches(n: int, items: int) -> Iterator[slice]:
    """Runs of at most ``items`` of ``n`` rows, each but the last a multiple of a block."""
    step = max(BLOCK, items // BLOCK * BLOCK)
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))
