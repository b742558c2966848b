"""Codes and labels transposed on a device: words that hold one bit of 32 items, as the Triton kernels read them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

WORD_ITEMS = 32
TILE_WORDS = 32  # of a row: the lanes of a warp, which read them together
TILE_ITEMS = WORD_ITEMS * TILE_WORDS
_BLOCK_BITS = 1 << 25  # unpacked at a time, in 5 bytes each


@dataclass(frozen=True, eq=False)
class WordPlanes:
    """The bits of n items.

    Attributes:
        words: int32 [tiles, rows, 32]; bit i of word w in row r of tile t is bit r of item 1024 t + 32 w + i. Items
            behind the last one are zeros.
        items: n.
    """

    words: Tensor
    items: int

    @property
    def tiles(self) -> int:
        """How many tiles of 1024 items there are."""
        return len(self.words)

    @property
    def rows(self) -> int:
        """Bits of an item, padding included."""
        return int(self.words.shape[1])

    @property
    def padding(self) -> int:
        """Items of zeros in the last tile."""
        return self.tiles * TILE_ITEMS - self.items


def word_planes(items: int, rows: int, bits_of: Callable[[slice], Tensor], device: torch.device) -> WordPlanes:
    """Planes of ``items`` items, some tiles at a time.

    Args:
        items: how many.
        rows: bits of an item.
        bits_of: the bits of a slice of items, bool or 0 and 1 [items, rows], on the device.
        device: where the planes lie.
    """
    tiles = -(-items // TILE_ITEMS)
    words = torch.empty(tiles, rows, TILE_WORDS, dtype=torch.int32, device=device)
    step = max(1, _BLOCK_BITS // (TILE_ITEMS * max(rows, 1)))
    for start in range(0, tiles, step):
        part = words[start : start + step]
        first, wanted = start * TILE_ITEMS, len(part) * TILE_ITEMS
        bits = bits_of(slice(first, min(first + wanted, items)))
        if len(bits) < wanted:
            bits = torch.cat([bits, bits.new_zeros(wanted - len(bits), rows)])
        part.copy_(_words(bits).transpose(1, 2))
    return WordPlanes(words, items)


def _words(bits: Tensor) -> Tensor:
    """Int32 [tiles, 32, rows] of bits [items, rows]: those of 32 items become a word."""
    grouped = bits.view(-1, TILE_WORDS, WORD_ITEMS, bits.shape[1])
    words = torch.zeros(*grouped.shape[:2], bits.shape[1], dtype=torch.int32, device=bits.device)
    for place in range(WORD_ITEMS):
        words |= grouped[:, :, place].int() << place
    return words


def unpack(packed: Tensor) -> Tensor:
    """Uint8 [n, 8 width] of 0 and 1: the bits of packed codes [n, width], the highest of a byte first."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
    return torch.bitwise_right_shift(packed[:, :, None], shifts).bitwise_and_(1).flatten(1)


def code_planes(packed: Tensor) -> WordPlanes:
    """Planes of packed codes, uint8 [n, width]."""
    return word_planes(len(packed), 8 * packed.shape[1], lambda part: unpack(packed[part]), packed.device)


def packed_codes(planes: WordPlanes) -> Tensor:
    """The packed codes, uint8 [n, width] on the CPU, whose planes these are."""
    packed = torch.empty(planes.items, planes.rows // 8, dtype=torch.uint8)
    places = torch.arange(WORD_ITEMS, dtype=torch.int32, device=planes.words.device)
    weights = (1 << torch.arange(7, -1, -1, device=planes.words.device)).to(torch.uint8)
    step = max(1, _BLOCK_BITS // (TILE_ITEMS * planes.rows))
    for start in range(0, planes.tiles, step):
        words = planes.words[start : start + step]
        bits = (words[:, :, :, None] >> places).bitwise_and_(1).to(torch.uint8)
        rows = bits.permute(0, 2, 3, 1).reshape(-1, planes.rows // 8, 8)
        some = packed[start * TILE_ITEMS : (start + step) * TILE_ITEMS]
        some.copy_((rows * weights).sum(dim=2, dtype=torch.uint8)[: len(some)])
    return packed


def masks(bits: Tensor, multiple: int) -> Tensor:
    """Int32 [q, rows] of bits [q, rows], all ones where one is set, q filled up with zeros to a multiple."""
    filled = torch.zeros(-(-len(bits) // multiple) * multiple, bits.shape[1], dtype=torch.int32, device=bits.device)
    filled[: len(bits)] = bits
    return filled.neg_()
