"""Precision and recall by rank and by radius, and the declaration of metrics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbench.evaluation.curves import radius_curve, rank_curve, rank_grid
from hashbench.evaluation.metrics import declared
from hashbench.evaluation.ranking import Ranking, precision, precision_within, recall, tied_share
from hashbench.search.backend import Gains
from tests.evaluation import reference
from tests.evaluation.reference import Group
from tests.evaluation.test_average_precision import ranking_of, some_groups


@given(groups=some_groups, k=st.integers(1, 20))
def test_precision_and_recall_are_the_means_over_all_orders(groups: list[Group], k: int) -> None:
    hits = reference.expected_hits(groups, k)
    ranking = ranking_of(groups)
    assert precision(ranking, k)[0] == pytest.approx(hits / k)
    assert recall(ranking, k)[0] == pytest.approx(hits / sum(r for _, r in groups))


def test_ranks_that_no_item_fills_count_as_wrong() -> None:
    assert precision(ranking_of([(2, 2)]), 8)[0] == 0.25


def test_queries_without_a_relevant_item_are_nan() -> None:
    ranking = ranking_of([(2, 0)])
    for values in (precision(ranking, 1), recall(ranking, 1), precision_within(ranking, 0)):
        assert np.isnan(values).all()


def test_the_curve_by_radius_ends_with_recall_one() -> None:
    """Trap: the last radius left out, so that recall never arrives."""
    curve = radius_curve(ranking_of([(0, 0), (2, 1), (0, 0), (4, 3)], [(1, 1), (1, 0), (3, 0), (1, 1)]))
    assert curve.precision.tolist() == pytest.approx(np.array([[0, 1 / 2, 1 / 2, 4 / 6], [1, 1 / 2, 1 / 5, 2 / 6]]))
    assert curve.recall.tolist() == [[0, 0.25, 0.25, 1], [0.5, 0.5, 0.5, 1]]
    assert curve.empty.tolist() == [[1, 0, 0, 0], [0, 0, 0, 0]]


def test_a_radius_beyond_the_bits_holds_everything() -> None:
    assert precision_within(ranking_of([(3, 1), (1, 1)]), 2)[0] == 0.5


def test_the_grid_of_ranks_ends_with_the_whole_database() -> None:
    assert rank_grid(59) == [1, 2, 5, 10, 20, 50, 59]
    assert rank_grid(100) == [1, 2, 5, 10, 20, 50, 100]
    assert rank_grid(1) == [1]
    ranking = ranking_of([(10, 3), (49, 8)])
    assert rank_curve(ranking, rank_grid(59)).recall[0, -1] == 1
    assert rank_curve(ranking, [5]).precision[0, 0] == pytest.approx(0.3)


def test_tied_share_counts_ranks_of_groups_of_several() -> None:
    ranking = ranking_of([(1, 1), (0, 0), (3, 0), (1, 1), (5, 2)])
    assert [tied_share(ranking, k)[0] for k in (1, 2, 4, 5, 6, 1000)] == pytest.approx(
        [0, 1 / 2, 3 / 4, 3 / 5, 4 / 6, 0.8]
    )


def test_each_metric_is_declared_once_within_its_range() -> None:
    metrics = declared(5000)
    assert len({metric.id for metric in metrics}) == len(metrics)
    rng = np.random.default_rng(0)
    items = rng.integers(1, 900, (20, 17))
    relevant = rng.binomial(items, 0.3)
    one_label_each = Gains(relevant, relevant / 2, relevant.sum(axis=1, keepdims=True), np.ones(20, dtype=np.int64))
    ranking = Ranking(items, relevant, one_label_each)
    for metric in metrics:
        assert metric.formula
        if metric.per_query:
            values, (low, high) = metric.per_query(ranking), metric.range
            assert ((low or 0) <= values).all(), metric.id
            assert (values <= (high or np.inf) + 1e-12).all(), metric.id


def test_a_customary_cutoff_adds_its_columns_and_no_column_twice() -> None:
    usual, cut = ({metric.id for metric in declared(cutoff)} for cutoff in (None, 5000))
    graded = {"ndcg@5000", "acg@5000", "wap@5000"}
    assert cut - usual == {"map@5000", "map@5000/min", "map@5000/total", "precision@5000", "recall@5000", *graded}
    assert [metric.id for metric in declared(1000)] == [metric.id for metric in declared()]


def test_chance_is_the_value_when_all_items_tie() -> None:
    levels = {metric.id: metric.chance(59_000, 5_900) for metric in declared()}
    assert levels["map@1000"] == levels["chance"] == pytest.approx(0.106, abs=5e-4)
    assert levels["precision@10"] == levels["precision@r2"] == pytest.approx(0.1)
