"""Labels: class numbers and multi-hot matrices, and what is refused."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hashbench.evaluation.relevance import as_multi_hot, class_count, has_label, label_pair


def test_class_numbers_become_one_hot() -> None:
    wanted = [[True, False, False], [False, False, True]]
    assert as_multi_hot(np.array([0, 2])).tolist() == wanted
    assert as_multi_hot(torch.tensor([0, 2], dtype=torch.uint8)).tolist() == wanted
    assert as_multi_hot(np.array([0, 2]), classes=4).shape == (2, 4)


def test_a_multi_hot_matrix_stays() -> None:
    hot = np.array([[True, False], [True, True], [False, False]])
    assert np.array_equal(as_multi_hot(torch.from_numpy(hot)), hot)


@pytest.mark.parametrize(
    "labels", [np.array([0.0, 1.0]), np.array([[0, 1], [1, 0]]), np.array([True, False]), np.array(["cat"])]
)
def test_other_dtypes_and_shapes_are_refused(labels: npt.NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"wanted class numbers \[n\] or bool \[n, classes\]"):
        as_multi_hot(labels)


def test_class_numbers_without_a_column_are_refused() -> None:
    with pytest.raises(ValueError, match="class number -1, wanted 0 or more"):
        as_multi_hot(np.array([3, -1]))
    with pytest.raises(ValueError, match="class number 3 with 3 classes"):
        as_multi_hot(np.array([3, 1]), classes=3)
    with pytest.raises(ValueError, match="class number 2 with 2 classes"):
        label_pair(np.array([2]), np.array([[True, False]]), 1, 1)


def test_queries_and_database_need_the_same_columns() -> None:
    with pytest.raises(ValueError, match="2 columns for queries and 3 for the database"):
        label_pair(np.zeros((1, 2), dtype=bool), np.zeros((4, 3), dtype=bool), 1, 4)
    with pytest.raises(ValueError, match="2 columns, wanted 5"):
        as_multi_hot(np.zeros((1, 2), dtype=bool), classes=5)


def test_large_class_numbers_cost_no_columns() -> None:
    pair = label_pair(np.array([10**9]), np.array([7, 10**9]), 1, 2)
    assert [side.tolist() for side in pair] == [[1], [0, 1]]
    assert class_count(pair) == 2


@pytest.mark.parametrize("spread", [1, 7, 10**6])
def test_class_numbers_are_numbered_anew_in_their_order(spread: int) -> None:
    classes = np.array([5, 0, 3, 3, 9, 5]) * spread
    query, database = label_pair(classes[:2], classes[2:], 2, 4)
    assert [*query.tolist(), *database.tolist()] == [2, 0, 1, 1, 3, 2]


def test_class_numbers_beside_a_matrix_are_its_columns() -> None:
    hot = np.array([[True, False, True]])
    query, database = label_pair(hot, np.array([2, 1]), 1, 2)
    assert np.array_equal(query, hot)
    assert database.tolist() == [2, 1]
    assert class_count((query, database)) == 3
    assert has_label(query[:, 1:2]).tolist() == [False]
    assert has_label(database).tolist() == [True, True]


def test_a_class_number_that_is_no_int64_is_refused() -> None:
    with pytest.raises(ValueError, match="class number 18446744073709551615, wanted 0 to 9223372036854775806"):
        as_multi_hot(np.array([2**64 - 1], dtype=np.uint64))


@pytest.mark.parametrize(
    ("labels", "way_out"),
    [
        (np.arange(3) * 1.0, r"for class numbers pass labels\.astype\(int\)"),
        (np.eye(3), r"for a 0/1 matrix pass \(labels > 0\)"),
        (np.ones((2, 2, 2), dtype=int), "one row or number for each item"),
    ],
)
def test_the_way_out_fits_the_labels(labels: Any, way_out: str) -> None:
    with pytest.raises(ValueError, match=rf"^labels: got .*; {way_out}$"):
        as_multi_hot(labels)
