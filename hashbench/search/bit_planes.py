"""Bits of many items, one row of 64-bit words per bit: 64 items are compared by each operation on a word.

Eight words of every row lie side by side, and the rows of such a tile one behind the other: a query reads a tile from
its beginning to its end, 512 items of a row at a time, and some tiles, a block, before the next query reads them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashbench.search.kernels import transpose
from hashbench.search.layout import BLOCK_ITEMS, LANES, TILE_ITEMS

_BITS_OF_BYTE = np.array([128, 64, 32, 16, 8, 4, 2, 1], dtype=np.uint8)
_TRUE = np.array([1], dtype=np.uint8)
_ASCENDING = _BITS_OF_BYTE[::-1].copy()


@dataclass(frozen=True, eq=False)
class BitPlanes:
    """The bits of ``items`` items.

    Attributes:
        words: uint64 [tiles, rows, LANES]; bit ``i`` of word ``w`` in row ``r`` of tile ``t`` is bit ``r`` of the item
            ``TILE_ITEMS * t + 64 * w + i``. Rows and items of padding are zero.
        items: their number, without padding.
    """

    words: npt.NDArray[np.uint64]
    items: int

    @property
    def padding(self) -> int:
        """Items of zeros behind the last one, which fill up its tile."""
        return len(self.words) * TILE_ITEMS - self.items


def bit_planes(packed: npt.NDArray[np.uint8]) -> BitPlanes:
    """Planes of rows of packed bits, uint8 [n, width], the first bit highest; 8 * width rows.

    Memory: that of the result, which is as large as ``packed``.
    """
    words = plane_words(len(packed), 8 * packed.shape[1])
    transpose(np.ascontiguousarray(packed), _BITS_OF_BYTE, words)
    return BitPlanes(words, len(packed))


def label_planes(labels: npt.NDArray[np.bool_]) -> BitPlanes:
    """Planes of multi-hot labels, bool [n, classes]; a row for each class."""
    words = plane_words(len(labels), labels.shape[1])
    transpose(np.ascontiguousarray(labels).view(np.uint8), _TRUE, words)
    return BitPlanes(words, len(labels))


def class_planes(classes: npt.NDArray[np.int64], bits: int) -> BitPlanes:
    """Planes of class numbers plus one, int64 [n], a row for each of at least ``bits`` bits, the lowest first.

    Padding, whose bits are zeros, is of no class.
    """
    width = -(-bits // 8)
    packed = (classes + 1).astype("<u8")[:, None].view(np.uint8)[:, :width]
    words = plane_words(len(classes), 8 * width)
    transpose(np.ascontiguousarray(packed), _ASCENDING, words)
    return BitPlanes(words, len(classes))


def plane_words(items: int, rows: int) -> npt.NDArray[np.uint64]:
    """Zeros [tiles, rows, LANES], each row in one line of the cache: else reading it takes two."""
    shape = (-(-items // TILE_ITEMS), rows, LANES)
    words = np.zeros(math.prod(shape) + LANES, dtype=np.uint64)
    first = -words.ctypes.data // 8 % LANES
    return words[first : first + math.prod(shape)].reshape(shape)


def packed_rows(planes: BitPlanes) -> npt.NDArray[np.uint8]:
    """Rows of packed bits, uint8 [items, width], whose :func:`bit_planes` these are."""
    tiles, rows, _ = planes.words.shape
    packed = np.empty((tiles, TILE_ITEMS, rows // 8), dtype=np.uint8)
    for tile, words in zip(packed, planes.words, strict=True):
        bits = np.unpackbits(words.astype("<u8").view(np.uint8), axis=1, bitorder="little")
        tile[:] = np.packbits(bits.T, axis=1)
    return packed.reshape(-1, rows // 8)[: planes.items]


def database_chunks(n: int, items: int) -> Iterator[slice]:
    """Slices of at most ``items`` of ``n`` rows, each but the last a multiple of a block."""
    step = max(BLOCK_ITEMS, items // BLOCK_ITEMS * BLOCK_ITEMS)
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))
