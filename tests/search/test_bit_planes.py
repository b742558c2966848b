"""Planes hold the bits of the rows they are made of, and zeros."""

import numpy as np
import pytest

from hashbench.search.bit_planes import BLOCK, bit_planes, stretches


@pytest.mark.parametrize(("items", "width"), [(1, 1), (63, 3), (BLOCK, 2), (BLOCK + 1, 2)])
def test_every_bit_is_in_its_place_and_nothing_else_is_set(items: int, width: int) -> None:
    packed = np.random.default_rng(0).integers(0, 256, (items, width), dtype=np.uint8)
    planes = bit_planes(packed)
    assert planes.words.shape == (-(-items // BLOCK), 8 * width, BLOCK // 64)
    places = np.arange(items)
    words = planes.words[places // BLOCK, :, places % BLOCK // 64]  # [items, rows]
    bits = words >> (places % 64).astype(np.uint64)[:, None] & np.uint64(1)
    assert np.array_equal(bits, np.unpackbits(packed, axis=1))
    assert np.bitwise_count(planes.words).sum() == np.bitwise_count(packed).sum()
    assert planes.items + planes.filled_up == len(planes.words) * BLOCK


def test_stretches_are_whole_blocks_but_for_the_last() -> None:
    found = list(stretches(5 * BLOCK + 3, 2 * BLOCK + 5))
    assert [(part.start, part.stop) for part in found] == [
        (0, 2 * BLOCK),
        (2 * BLOCK, 4 * BLOCK),
        (4 * BLOCK, 5 * BLOCK + 3),
    ]
    assert list(stretches(3, 1)) == [slice(0, 3)]
