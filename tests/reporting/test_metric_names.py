"""Metrics as readers know them."""

import pytest

from hashbench.evaluation.metrics import declared
from hashbench.reporting.leaderboard.markdown import DETAILS
from hashbench.reporting.metric_names import HEADLINE_NAME, metric_heading, metric_name
from hashbench.reporting.regression.baseline import GATED


@pytest.mark.parametrize(
    ("metric", "name", "heading"),
    [
        ("map@1000", "mAP@1000", "mAP@1000"),
        ("map@all", "mAP@all", "mAP@all"),
        ("adjusted_map@1000", "chance-adjusted mAP@1000", "adjusted mAP@1000"),
        ("precision@100", "precision@100", "P@100"),
        ("precision@r2", "precision within radius 2", "P@r≤2"),
        ("recall@1000", "recall@1000", "R@1000"),
        ("chance", "chance", "chance"),
    ],
)
def test_names_and_headings(metric: str, name: str, heading: str) -> None:
    assert (metric_name(metric), metric_heading(metric)) == (name, heading)


def test_a_name_says_which_denominator_and_which_order_of_ties() -> None:
    assert metric_name("map@1000/min") == "mAP@1000, denominator min(k, R)"
    assert metric_name("map@1000/worst") == f"{HEADLINE_NAME}, ties at their worst"


def test_reports_choose_among_the_declared_metrics_and_names_differ() -> None:
    metrics = [metric.id for metric in declared(5000)]
    assert {*DETAILS, *GATED} <= set(metrics)
    assert len({metric_name(metric) for metric in metrics}) == len({metric_heading(m) for m in metrics}) == len(metrics)
