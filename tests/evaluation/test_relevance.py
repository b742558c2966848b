"""Labels: class numbers and multi-hot matrices, and what is refused."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hashbench.evaluation.relevance import as_multi_hot, label_pair


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
    query, database = label_pair(np.array([10**9]), np.array([7, 10**9]), 1, 2)
    assert (query @ database.T).tolist() == [[False, True]]
    assert query.shape[1] == 2
