"""Planes hold the bits of the rows they are made of, and zeros."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hashbench.search.bit_planes import BitPlanes, bit_planes, database_chunks, label_planes
from hashbench.search.layout import BLOCK_ITEMS, LANES, TILE_ITEMS


@pytest.mark.parametrize(("items", "width"), [(1, 1), (63, 3), (BLOCK_ITEMS, 2), (BLOCK_ITEMS + 1, 2)])
def test_every_bit_is_at_its_index_and_nothing_else_is_set(items: int, width: int) -> None:
    packed = np.random.default_rng(0).integers(0, 256, (items, width), dtype=np.uint8)
    planes = bit_planes(packed)
    check(planes, np.unpackbits(packed, axis=1))


@pytest.mark.parametrize(("items", "classes"), [(1, 1), (64, 10), (BLOCK_ITEMS + 70, 21)])
def test_labels_have_a_row_for_each_class(items: int, classes: int) -> None:
    labels = np.random.default_rng(1).random((items, classes)) < 0.3
    check(label_planes(labels), labels)


def check(planes: BitPlanes, bits: npt.NDArray[Any]) -> None:
    """Whether the planes hold these bits [items, rows] and no others."""
    items, rows = bits.shape
    assert planes.words.shape == (-(-items // TILE_ITEMS), rows, LANES)
    item = np.arange(items)
    words = planes.words[item // TILE_ITEMS, :, item // 64 % LANES]  # [items, rows]
    assert np.array_equal(words >> (item % 64).astype(np.uint64)[:, None] & np.uint64(1), bits)
    assert np.bitwise_count(planes.words).sum() == bits.sum()
    assert planes.items + planes.padding == len(planes.words) * TILE_ITEMS


def test_chunks_are_whole_blocks_but_for_the_last() -> None:
    chunks = list(database_chunks(5 * BLOCK_ITEMS + 3, 2 * BLOCK_ITEMS + 5))
    assert [(part.start, part.stop) for part in chunks] == [
        (0, 2 * BLOCK_ITEMS),
        (2 * BLOCK_ITEMS, 4 * BLOCK_ITEMS),
        (4 * BLOCK_ITEMS, 5 * BLOCK_ITEMS + 3),
    ]
    assert list(database_chunks(3, 1)) == [slice(0, 3)]
