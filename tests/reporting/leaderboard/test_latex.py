"""Captions of LaTeX tables, against the repetitions that their cells have."""

import pytest

from hashbench.records.results import Results
from hashbench.reporting.leaderboard.latex import latex
from hashbench.reporting.leaderboard.tables import tables
from tests.reporting.made_records import make_record


@pytest.mark.parametrize(("seeds", "said"), [({"lsh": 3, "pcah": 1}, True), ({"lsh": 3, "pcah": 3}, False)])
def test_values_of_one_run_are_explained_where_there_are_some(seeds: dict[str, int], said: bool) -> None:
    records = [make_record(name, 16, 0.5, repetition=n) for name, count in seeds.items() for n in range(count)]
    text = latex(tables(Results(tuple(records))))
    assert r"Mean $\pm$ standard deviation of 3 repetitions." in text
    assert ("Values without a deviation are of one run." in text) == said
