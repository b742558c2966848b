"""Labels and item numbers that came with codes."""

from typing import Any

import numpy as np
import pytest

from hashbench.errors import UsageError
from hashbench.external.labels import check_items, check_labels

HOT = np.array([[0, 1], [1, 1], [0, 0]])


@pytest.mark.parametrize("dtype", ["bool", "u1", "i8", "f4"])
def test_two_dimensions_are_multi_hot(dtype: str) -> None:
    labels = check_labels("labels", HOT.astype(dtype), 3)
    assert labels.dtype == np.bool_
    assert labels.tolist() == [[False, True], [True, True], [False, False]]


@pytest.mark.parametrize("dtype", ["u1", "i4", "u8"])
def test_one_dimension_is_class_numbers(dtype: str) -> None:
    labels = check_labels("labels", np.array([1, 0, 7], dtype=dtype), 3)
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 0, 7]


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (np.array([[3], [1], [0]]), "l are int64 [3, 1]: class numbers in a column, or one label? wanted"),
        (HOT * 2, "l has 2 at [0, 1], wanted 0 or 1 in class numbers [n] or 0/1 [n, classes]"),
        (HOT + 0.5, "l has 0.5 at [0, 0], wanted 0 or 1"),
        (np.array([0, -1, 2]), "l has -1 in row 1, wanted class numbers of 0 or more; items without a label are rows"),
        (np.array([0.0, 1.0, 2.0]), "l are float64 [3], wanted whole class numbers, or 0/1 [n, classes]"),
        (np.array([True, False, True]), "l are bool [3], wanted whole class numbers, or 0/1 [n, classes]"),
        (np.array(["a", "b", "c"]), "l are <U1 [3], wanted class numbers [n] or 0/1 [n, classes]"),
        (np.array(3), "l are int64 [], wanted class numbers [n] or 0/1 [n, classes]"),
        (
            np.array([0, 2**64 - 1, 3], dtype="u8"),
            "l has 18446744073709551615 in row 1, wanted class numbers up to 9223372036854775806",
        ),
        (np.array([0, 1]), "l have 2 rows and the codes 3, wanted one for each code"),
    ],
)
def test_other_labels_are_one_line(labels: Any, line: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_labels("l", labels, 3)
    assert str(refused.value).startswith(line)


@pytest.mark.parametrize(
    ("items", "line"),
    [
        (np.array([1.0, 2.0]), "i are float64 [2], wanted whole numbers [2], one for each code"),
        (np.array([1, 2, 3]), "i are int64 [3], wanted whole numbers [2], one for each code"),
        (np.array([4, 4]), "i has 4 2 times, wanted each item once"),
        (
            np.array([4, 2**64 - 1], dtype="u8"),
            "i has 18446744073709551615, wanted item numbers up to 9223372036854775806",
        ),
        (np.array([4, -4]), "i has -4, wanted item numbers of 0 or more"),
    ],
)
def test_other_items_are_one_line(items: Any, line: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_items("i", items, 2)
    assert str(refused.value) == line
