"""Metrics that go above 1, and metrics where less is better, in every report."""

import jsonschema
import pytest

from hashbench.evaluation.metrics import Metric
from hashbench.records.results import Results
from hashbench.records.schema import schema
from hashbench.records.store import Record
from hashbench.reporting.figures.map_by_bits import map_by_bits
from hashbench.reporting.figures.style import row_styles
from hashbench.reporting.leaderboard.caption import caption
from hashbench.reporting.leaderboard.csv_file import csv
from hashbench.reporting.leaderboard.markdown import markdown
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.page.measures import measures
from tests.reporting.made_records import make_record

METRIC = "acg@100"


def record(method: str, bits: int, value: float | None) -> Record:
    made = make_record(method, bits, 0.5)
    made["metrics"] |= {} if value is None else {METRIC: value}
    jsonschema.validate(made["metrics"], schema("record")["properties"]["metrics"])
    return made


@pytest.fixture
def results() -> Results:
    """Of two methods, and of one whose records were made before the metric."""
    rows = {"itq": (2.75, 3.25), "lsh": (1.5, 2.0), "pcah": (None, None)}
    made = [(record(name, 16, short), record(name, 32, long)) for name, (short, long) in rows.items()]
    return Results(tuple(one for pair in made for one in pair))


def test_a_metric_above_1_is_ranked_written_and_drawn_whole(results: Results) -> None:
    (table,) = tables(results, metric=METRIC)
    assert [row.method for row in table.ranked] == ["itq", "lsh"]
    assert [row.method for row in table.unranked] == ["pcah"]
    assert "3.250" in markdown([table])
    assert "ACG@100: expected labels that the first 100 ranks share with the query / 100" in " ".join(caption(table))
    assert ",3.25," in csv([table])
    (measure,) = (one for one in measures(results.records) if one.id == METRIC)
    assert (measure.name, measure.better) == ("ACG@100", "up")
    figure = map_by_bits(table, row_styles([table]))
    assert figure is not None
    assert figure.axes[0].get_ylim()[1] > 3.25


def test_where_less_is_better_the_lowest_is_best(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = Metric(METRIC, "errors / 100", "down", (0, None), None)
    monkeypatch.setattr("hashbench.reporting.leaderboard.table.declared_metric", lambda _metric, _cutoff: declared)
    (table,) = tables(results, metric=METRIC)
    assert [(row.method, row.rank) for row in table.ranked] == [("lsh", 1), ("itq", 2)]
    assert table.best(16) == 1.5
    assert table.is_best(table.ranked[0], 32)
    assert "ACG@100: errors / 100; lower is better." in " ".join(caption(table))
