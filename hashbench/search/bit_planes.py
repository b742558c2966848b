"""Bits of many items, one row of 64-bit words per bit: 64 items are compared by each operation on a word.

Eight words of every row lie side by side, and the rows of such a tile one behind the other: a query reads a tile from
its beginning to its end, 512 items of a row at a time, and some tiles, a block, before the next query reads them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashbench.search.compiled import needed_kernels

LANES = 8  # words of a tile's row
TILE = 64 * LANES  # items
TILES = 16  # of a block; a block of 64-bit codes is 64 KiB, which a core's second cache holds
BLOCK = TILE * TILES  # items
GROUP = 8  # rows that are added at once: planes of codes have a multiple of these
_BYTE = np.array([128, 64, 32, 16, 8, 4, 2, 1], dtype=np.uint8)
_TRUE = np.array([1], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class BitPlanes:
    """The bits of ``items`` items.

    Attributes:
        words: uint64 [tiles, rows, LANES]; bit ``i`` of word ``w`` in row ``r`` of tile ``t`` is bit ``r`` of the item
            ``TILE * t + 64 * w + i``. Rows and items that fill up are zero.
        items: how many there are.
    """

    words: npt.NDArray[np.uint64]
    items: int

    @property
    def filled_up(self) -> int:
        """Items of zeros behind the last one."""
        return len(self.words) * TILE - self.items


def bit_planes(packed: npt.NDArray[np.uint8]) -> BitPlanes:
    """Planes of rows of packed bits, uint8 [n, width], the first bit highest; 8 * width rows.

    Memory: that of the answer, which is as large as ``packed``.

    Raises:
        RuntimeError: there are no compiled kernels here.
    """
    words = plane_words(len(packed), 8 * packed.shape[1])
    needed_kernels().transpose(np.ascontiguousarray(packed), _BYTE, words)
    return BitPlanes(words, len(packed))


def label_planes(labels: npt.NDArray[np.bool_]) -> BitPlanes:
    """Planes of multi-hot labels, bool [n, classes]; a row for each class.

    Raises:
        RuntimeError: there are no compiled kernels here.
    """
    words = plane_words(len(labels), labels.shape[1])
    needed_kernels().transpose(np.ascontiguousarray(labels).view(np.uint8), _TRUE, words)
    return BitPlanes(words, len(labels))


def plane_words(items: int, rows: int) -> npt.NDArray[np.uint64]:
    """Zeros [tiles, rows, LANES], each row in one line of the cache: else reading it takes two."""
    shape = (-(-items // TILE), rows, LANES)
    words = np.zeros(math.prod(shape) + LANES, dtype=np.uint64)
    first = -words.ctypes.data // 8 % LANES
    return words[first : first + math.prod(shape)].reshape(shape)


def stretches(n: int, items: int) -> Iterator[slice]:
    """Runs of at most ``items`` of ``n`` rows, each but the last a multiple of a block."""
    step = max(BLOCK, items // BLOCK * BLOCK)
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))
