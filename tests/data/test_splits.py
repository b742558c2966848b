"""Draws of index sets from multi-hot labels."""

import numpy as np
import pytest

from hashbench.data.splits import draw_per_label


def draw(labels: list[list[int]], count: int, seed: int = 0) -> list[int]:
    return list(draw_per_label(np.array(labels, dtype=np.bool_), count, np.random.default_rng(seed)))


def test_each_label_draws_its_number_and_no_item_is_drawn_twice() -> None:
    labels = np.random.default_rng(0).random((500, 6)) < [0.5, 0.2, 0.9, 0.3, 0.1, 0.5]
    drawn = draw_per_label(labels, 20, np.random.default_rng(1))
    assert len(drawn) == len(set(drawn.tolist())) == 6 * 20
    assert (labels[drawn].sum(axis=0) >= 20).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_rarest_label_draws_first(seed: int) -> None:
    # Items 0 and 1 bear both labels: were the frequent one to draw before, it could use them up.
    labels = [[1, 1], [1, 1], [1, 0], [1, 0]]
    assert sorted(draw(labels, 2, seed)) == [0, 1, 2, 3]
    assert sorted(draw([row[::-1] for row in labels], 2, seed)) == [0, 1, 2, 3]


def test_the_order_is_random() -> None:
    labels = [[1, 0]] * 50 + [[0, 1]] * 60
    drawn = draw(labels, 50)
    assert drawn == draw(labels, 50)
    assert drawn != draw(labels, 50, seed=1)
    first = sum(item < 50 for item in drawn[:50])
    assert 10 < first < 40  # both labels from the start


def test_too_few_items_are_an_error() -> None:
    with pytest.raises(ValueError, match="label 1 has 1 items left, wanted 2"):
        draw([[1, 0], [1, 0], [1, 1], [1, 0]], 2)
    with pytest.raises(ValueError, match="label 1 has 1 items left, wanted 2"):
        draw([[1, 1], [1, 1], [0, 1]], 2)
