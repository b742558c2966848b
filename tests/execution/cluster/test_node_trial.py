"""A trial on a node, without a cluster: its own data, its own process, its answer."""

from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from hashbench.execution.cluster import node_trial
from hashbench.execution.cluster.answer import write_answer
from hashbench.execution.cluster.messages import Answer, Happened, Request, make_request
from hashbench.execution.cluster.node_check import first_fault
from hashbench.execution.cluster.node_trial import node_settings, run_on_node, watched
from hashbench.execution.cluster.versions import versions_here
from hashbench.execution.outcome import OUT_OF_MEMORY, TIMED_OUT
from hashbench.execution.run import make_settings, plan_grids
from hashbench.execution.settings import Settings
from hashbench.execution.slots import Slot
from hashbench.execution.trial_process import start
from hashbench.planning.grid import Grid
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial
from tests.execution import work
from tests.execution.test_schedule import BASE

PLANNED = replace(BASE, fingerprint={"device": "cpu"})


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    monkeypatch.setattr(node_trial, "OOM_SCORE", tmp_path / "score")


def planned(folder: Path, **asked: Any) -> tuple[PlannedTrial, Settings]:
    settings = make_settings(folder / "r", None, "cpu")
    grid = Grid(**{"methods": ("itq",), "bits": (8,), "datasets": ("digits",), "limit": 100, **asked})
    (one,) = [trial for trial in plan_grids([grid], settings).to_run() if trial.trial.method in grid.methods]
    return one, settings


def request(planned: PlannedTrial, settings: Settings, data_of_node: bool = False) -> Request:
    return make_request(planned, settings, 1, versions_here(), data_of_node, {}, None)


@pytest.mark.parametrize(("of_node", "expected"), [(True, "/its/own"), (False, "/the/runs")])
def test_data_is_the_nodes_own_where_it_names_some(
    of_node: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(Path("r"), Path("/the/runs"), Path("c"))
    asked = request(PLANNED, settings, of_node)
    assert node_settings(asked, Path()).data == Path("/the/runs")
    monkeypatch.setenv("HASHBENCH_DATA", "/its/own")
    assert node_settings(asked, Path()).data == Path(expected)


def test_what_a_trial_lacks_on_a_node_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, settings = planned(tmp_path)
    assert first_fault([request(one, settings)]) is None
    elsewhere = replace(one, dataset_spec="cifar10/bgan")
    monkeypatch.setenv("HASHBENCH_DATA", str(tmp_path))
    line = first_fault([request(one, settings), request(elsewhere, settings, True)]) or ""
    assert "cifar10" in line
    assert str(tmp_path) in line
    other = replace(one, fingerprint={**one.fingerprint, "card": "0" * 16})
    line = first_fault([request(other, settings)]) or ""
    assert line.startswith(f"digits/holdout-200 in '{tmp_path / 'data'}' has the protocol card ")
    assert line.endswith(
        f"that of the run is {'0' * 16}: other images, labels or index sets; copy the data set there again"
    )
    edited = replace(one, fingerprint={**one.fingerprint, "sources": {"methods/itq.py": "0"}})
    assert "changed since the plan was made" in (first_fault([request(edited, settings)]) or "")
    weighted = replace(settings, weights={"vgg19": tmp_path / "w.pth"})
    assert first_fault([request(one, weighted)]) == (
        f"weights of vgg19 '{tmp_path / 'w.pth'}' are not there; copy the file to the same place"
    )


@pytest.mark.slow
def test_a_trial_leaves_its_answer_and_nothing_else(tmp_path: Path) -> None:
    one, settings = planned(tmp_path)
    *events, answer = run_on_node(request(one, settings))
    assert isinstance(answer, Answer)
    phases = [event.text for event in events if isinstance(event, Happened) and event.kind == "phase"]
    assert [phase for phase in phases if phase in ("fit", "encode", "state")] == ["fit", "encode", "state"]
    store = Store(tmp_path / "here")
    store.prepare()
    record = write_answer(answer, one, "node a", store)
    assert record["status"] == "ok"
    assert record["environment"]["threads"]["torch"] == 1
    assert list((tmp_path / "cache/trials").iterdir()) == []
    assert (tmp_path / "score").read_text() == "0"


@pytest.mark.slow
@pytest.mark.parametrize(("what", "stopped"), [("hang", TIMED_OUT), ("take 2000", OUT_OF_MEMORY), ("nap", None)])
def test_a_process_that_takes_too_long_or_too_much_is_stopped(tmp_path: Path, what: str, stopped: str | None) -> None:
    settings = make_settings(tmp_path, tmp_path, "cpu", timeout=30.0 if what != "hang" else 6.0)
    settings = replace(settings, memory=900 << 20)
    trial, store = replace(BASE, trial=replace(BASE.trial, features=what)), Store(tmp_path / "r")
    store.prepare()
    process = start(trial, work.do, settings, Slot(threads=1), store, get_context("spawn"))
    kinds = {event.kind for event in watched(process, settings)}
    assert process.end().stopped == stopped
    assert ("epoch" in kinds) == (stopped is None)
