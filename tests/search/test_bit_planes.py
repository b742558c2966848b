"""Planes hold the bits of the rows they are made of, and zeros."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hashbench.search.bit_planes import BLOCK, LANES, TILE, BitPlanes, bit_planes, label_planes, stretches


@pytest.mark.parametrize(("items", "width"), [(1, 1), (63, 3), (BLOCK, 2), (BLOCK + 1, 2)])
def test_every_bit_is_in_its_place_and_nothing_else_is_set(items: int, width: int) -> None:
    packed = np.random.default_rng(0).integers(0, 256, (items, width), dtype=np.uint8)
    planes = bit_planes(packed)
    check(planes, np.unpackbits(packed, axis=1))


@pytest.mark.parametrize(("items", "classes"), [(1, 1), (64, 10), (BLOCK + 70, 21)])
def test_labels_have_a_row_for_each_class(items: int, classes: int) -> None:
    labels = np.random.default_rng(1).random((items, classes)) < 0.3
    check(label_planes(labels), labels)


def check(planes: BitPlanes, bits: npt.NDArray[Any]) -> None:
    """Whether the planes hold these bits [items, rows] and no others."""
    items, rows = bits.shape
    assert planes.words.shape == (-(-items // TILE), rows, LANES)
    places = np.arange(items)
    words = planes.words[places // TILE, :, places // 64 % LANES]  # [items, rows]
    assert np.array_equal(words >> (places % 64).astype(np.uint64)[:, None] & np.uint64(1), bits)
    assert np.bitwise_count(planes.words).sum() == bits.sum()
    assert planes.items + planes.filled_up == len(planes.words) * TILE


def test_stretches_are_whole_blocks_but_for_the_last() -> None:
    found = list(stretches(5 * BLOCK + 3, 2 * BLOCK + 5))
    assert [(part.start, part.stop) for part in found] == [
        (0, 2 * BLOCK),
        (2 * BLOCK, 4 * BLOCK),
        (4 * BLOCK, 5 * BLOCK + 3),
    ]
    assert list(stretches(3, 1)) == [slice(0, 3)]
