"""Which queries are shown, what lies nearest to them, and what of it is relevant."""

import numpy as np
import pytest

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.execution.stored_trial import StoredCodes
from hashbench.gallery.neighbours import nearest, spread
from hashbench.search.index import HammingIndex


def random_codes(bits: int) -> StoredCodes:
    """30 queries and 200 items with one or more of 4 labels, or none."""
    draw = np.random.default_rng(0)
    query, database = (draw.random((n, bits)) < 0.5 for n in (30, 200))
    labels, database_labels = (draw.random((n, 4)) < 0.3 for n in (30, 200))
    codes = Codes.pack(query), Codes.pack(database)
    return StoredCodes(*codes, labels, database_labels, np.arange(30), np.arange(200), draw.random(30))


@pytest.mark.parametrize("bits", [5, 16])
def test_neighbours_and_marks_are_those_of_a_plain_sort(bits: int) -> None:
    codes, rows = random_codes(bits), np.array([4, 0, 29, 4])
    neighbours = nearest(codes, rows, 12, HammingIndex(codes.database))
    query, database = codes.query.unpack(), codes.database.unpack()
    for number, row in enumerate(rows):
        distances = [int((query[row] != item).sum()) for item in database]
        order = sorted(range(200), key=lambda item: (distances[item], item))[:12]
        assert neighbours.items[number].tolist() == order
        assert neighbours.distances[number].tolist() == [distances[item] for item in order]
        labels = set(np.flatnonzero(codes.query_labels[row]))
        shared = [bool(labels & set(np.flatnonzero(codes.database_labels[item]))) for item in order]
        assert neighbours.relevant[number].tolist() == shared
    assert neighbours.relevant.any()
    assert not neighbours.relevant.all()


def test_more_neighbours_than_items_are_refused() -> None:
    with pytest.raises(UsageError, match="neighbours is 201, wanted 1 to 200, the size of the database"):
        nearest(random_codes(8), np.array([0]), 201, HammingIndex(random_codes(8).database))


def test_queries_are_the_middles_of_equal_parts_of_the_ranking() -> None:
    precision = np.random.default_rng(0).permutation(100) / 100
    assert (100 * precision[spread(precision, 10)]).round().tolist() == [94, 84, 74, 64, 54, 44, 34, 24, 14, 4]
    assert (100 * precision[spread(precision, 3)]).round().tolist() == [83, 49, 16]
    assert (100 * precision[spread(precision, 1)]).round().tolist() == [49]


def test_they_stand_for_all_queries() -> None:
    """Their mean is that of all but for the width of a part."""
    precision = np.random.default_rng(0).beta(0.5, 2, 1000)
    assert precision[spread(precision, 20)].mean() == pytest.approx(precision.mean(), abs=0.01)


def test_queries_without_a_relevant_item_are_never_shown_and_ties_go_by_row() -> None:
    precision = np.array([np.nan, 0.5, 0.5, np.nan, 1.0, 0.5])
    assert spread(precision, 10).tolist() == [4, 1, 2, 5]
    assert spread(precision, 2).tolist() == [1, 5]
    assert spread(np.array([np.nan]), 10).tolist() == []
