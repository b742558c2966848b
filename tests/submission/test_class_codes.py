"""Codes that equal the classes, and codes that do not."""

import numpy as np
import pytest

from hashbench.codes import Codes
from hashbench.evaluation.relevance import as_multi_hot
from hashbench.submission.class_codes import FLAGGED, class_code_share

RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, 10, 500)
HOT = as_multi_hot(CLASSES, 10)


def share(bits: np.ndarray, labels: np.ndarray = HOT, classes: int = 10) -> float:
    return class_code_share(Codes.pack(bits), labels, classes)


def test_one_hot_codes_are_the_classes_and_so_is_any_one_code_for_each() -> None:
    assert share(HOT) == 1
    assert share((RNG.random((10, 32)) < 0.5)[CLASSES]) == 1
    assert share(HOT, CLASSES) == 1


def test_a_share_of_wrong_codes_counts() -> None:
    mixed = HOT.copy()
    mixed[:50] = np.roll(HOT[:50], 1, axis=1)
    assert share(mixed) == pytest.approx(0.9)


def test_random_and_constant_codes_are_not_the_classes() -> None:
    assert share(RNG.random((500, 16)) < 0.5) < 0.1
    assert share(np.zeros((500, 16), dtype=np.bool_)) == 0
    assert share(HOT[:, :1]) < FLAGGED  # nine classes share a code


def test_kinds_of_several_labels_have_one_code_each() -> None:
    kinds = RNG.random((12, 6)) < 0.5
    labels = kinds[RNG.integers(0, 12, 300)]
    assert share(labels, labels, 6) == 1


def test_where_no_two_items_have_the_same_labels_nothing_is_said() -> None:
    labels = np.unpackbits(np.arange(64, dtype=np.uint8)[:, None], axis=1).astype(np.bool_)
    assert share(labels, labels, 8) == 0


def test_one_class_alone_says_nothing() -> None:
    assert share(np.ones((5, 3), dtype=np.bool_), np.ones((5, 1), dtype=np.bool_), 1) == 0
