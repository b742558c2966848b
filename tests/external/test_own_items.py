"""Queries that are items of the database, by item numbers or by content."""

import numpy as np
import numpy.typing as npt
import pytest

from hashbench.codes import Codes
from hashbench.external.own_items import rows_by_content, rows_by_number

RNG = np.random.default_rng(0)
CODES, LABELS = RNG.random((300, 24)) < 0.5, RNG.integers(0, 5, 300)


def by_content(rows: npt.NDArray[np.int64], codes: npt.NDArray[np.bool_] = CODES) -> list[int] | None:
    own = rows_by_content((Codes.pack(codes[rows]), Codes.pack(codes)), (LABELS[rows], LABELS))
    return None if own is None else own.tolist()


def test_numbers_in_any_order_are_found() -> None:
    assert rows_by_number(np.array([7, 3, 8, 0]), np.array([9, 7, 0, 3])).tolist() == [1, 3, -1, 2]
    assert rows_by_number(np.array([7, 3]), np.array([1])).tolist() == [-1, -1]


@pytest.mark.parametrize("rows", [np.arange(300), np.arange(40, 90), np.arange(280, 300), RNG.permutation(300)[:60]])
def test_the_same_rows_are_found(rows: npt.NDArray[np.int64]) -> None:
    assert by_content(rows) == rows.tolist()
    hot = np.eye(5, dtype=np.bool_)[LABELS]
    own = rows_by_content((Codes.pack(CODES[rows]), Codes.pack(CODES)), (hot[rows], hot))
    assert own is not None
    assert own.tolist() == rows.tolist()


def test_short_codes_in_the_same_order_are_found_and_in_another_are_chance() -> None:
    """Where items share codes, an equal row may be another item's."""
    short = RNG.random((300, 5)) < 0.5
    assert by_content(np.arange(100, 200), short) == list(range(100, 200))
    assert by_content(RNG.permutation(300)[:60], short) is None


def test_codes_of_classes_in_a_fixed_order_are_chance() -> None:
    classes = np.arange(300) % 5
    codes = np.eye(8, dtype=np.bool_)[classes]
    pair = Codes.pack(codes[:50]), Codes.pack(codes)
    assert rows_by_content(pair, (classes[:50], classes)) is None


def test_one_other_query_leaves_a_doubt() -> None:
    query = CODES[:60].copy()
    query[17, 3] ^= True
    assert rows_by_content((Codes.pack(query), Codes.pack(CODES)), (LABELS[:60], LABELS)) is None
    labels = LABELS[:60].copy()
    labels[17] += 1
    assert rows_by_content((Codes.pack(CODES[:60]), Codes.pack(CODES)), (labels, LABELS)) is None


def test_few_queries_and_more_than_the_database_are_chance() -> None:
    assert by_content(np.arange(19)) is None
    pair = Codes.pack(CODES), Codes.pack(CODES[:50])
    assert rows_by_content(pair, (LABELS, LABELS[:50])) is None
