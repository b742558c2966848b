"""What a node's arrays have to be is what trials here leave, of every kind."""

from pathlib import Path

import pytest

from hashbench.execution.cluster.answer_arrays import WITHOUT_CODES, checked_arrays, wanted_arrays
from hashbench.execution.run import make_settings, plan_grids
from hashbench.execution.trial import run_trial
from hashbench.planning.grid import Grid
from hashbench.records.store import Store
from hashbench.records.trial_spec import ONE_HOT_CLASSES, REFERENCES

LABELS = Grid(("lsh", "itq_cca"), (12,), datasets=("digits",), limit=300, rankings=("hamming", "asymmetric"))
NEIGHBOURS = Grid(("lsh", "rabitq"), (64,), datasets=("digits",), limit=300, relevance="neighbours")
KINDS = {"labels": LABELS, "neighbours": NEIGHBOURS}


@pytest.mark.parametrize("kind", KINDS)
def test_what_trials_leave_is_what_is_wanted(tmp_path: Path, kind: str) -> None:
    settings, store = make_settings(tmp_path / "r", None, "cpu"), Store(tmp_path / "r")
    seen, rankings = set[str](), set[str | None]()
    for entry in plan_grids([KINDS[kind]], settings).entries:
        planned = entry.planned
        assert run_trial(planned, settings, lambda _event: None)["status"] == "ok", planned
        content = store.record_path(planned).with_suffix(".npz").read_bytes()
        arrays = checked_arrays(content, planned, "it")
        assert arrays.keys() == wanted_arrays(planned).keys()
        assert ("query_codes" in arrays) == (planned.trial.method not in WITHOUT_CODES)
        seen.add(planned.trial.method)
        rankings.add(planned.trial.ranking)
    expected = {ONE_HOT_CLASSES} if kind == "labels" else set(WITHOUT_CODES)
    assert expected <= seen & set(REFERENCES)
    assert ("asymmetric" if kind == "labels" else "estimator") in rankings
