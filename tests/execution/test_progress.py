"""Lines of progress: count, time left, epochs, and who gets them."""

import io
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import hashbench as hb
from hashbench.execution.events import Event
from hashbench.execution.progress import GridProgress, Lines
from hashbench.features.weights import Weights
from hashbench.planning.grid import Grid
from hashbench.planning.plan import Plan, make_plan
from hashbench.records.store import Store


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    grid = Grid(("itq", "lsh"), (16, 32))
    return make_plan([grid], Store(tmp_path / "results"), tmp_path, torch.device("cpu"), Weights())


def take(listener: Any, clock: Clock, key: str, seconds: float) -> None:
    listener(Event(key, "started"))
    clock.now += seconds
    listener(Event(key, "finished", "ok"))


def test_time_left_takes_trials_to_last_as_long_as_others_of_their_method(plan: Plan) -> None:
    clock = Clock()
    trials = GridProgress(plan, clock)
    assert (trials.count, trials.left()) == ("[0/7]", "")
    keys = [planned.key for planned in plan.to_run()]  # float, random 16 and 32, itq 16 and 32, lsh 16 and 32
    for key, seconds in zip(keys[:4], (1, 1, 1, 97), strict=True):
        take(trials, clock, key, seconds)
    assert (trials.count, trials.left()) == (
        "[4/7]",
        "2 min 27 s left",
    )  # 97 of itq, twice the mean 25 of lsh
    trials(Event(keys[4], "started"))
    clock.now += 60
    assert trials.left() == "1 min 27 s left"
    clock.now += 600
    assert trials.left() == "50 s left"
    trials(Event(keys[4], "finished", "ok"))
    for key in keys[5:]:
        take(trials, clock, key, 5)
    assert (trials.count, trials.left()) == ("[7/7]", "")


def test_earlier_records_tell_the_time_of_methods_that_have_not_run_yet(plan: Plan) -> None:
    clock = Clock()
    seconds = dict(
        zip([planned.key for planned in plan.to_run()], (1.0, 1.0, 1.0, 60.0, 60.0, 30.0, 40.0), strict=True)
    )
    known = replace(plan, entries=[replace(one, seconds=seconds[one.planned.key]) for one in plan.entries])
    partly = replace(known, entries=[*known.entries[:-1], replace(known.entries[-1], seconds=None)])
    assert GridProgress(partly, clock).left() == ""
    trials = GridProgress(known, clock)
    assert trials.left() == "3 min 13 s left"
    keys = list(seconds)
    for key in keys[:4]:
        take(trials, clock, key, 20)
    assert trials.left() == "1 min 30 s left", "20 of itq, as the first one took, 30 and 40 of lsh"
    trials(Event(keys[4], "started"))
    clock.now += 15
    assert trials.left() == "1 min 15 s left"


def test_a_trial_that_another_run_made_counts_as_ended_and_takes_no_time(plan: Plan) -> None:
    clock, lines = Clock(), list[str]()
    keys = [planned.key for planned in plan.to_run()]
    show = Lines(plan, lines.append, clock)
    take(show, clock, keys[0], 3)
    show(Event(keys[1], "recorded", "failed"))
    assert lines[1] == "[2/7] reference-random 16 bits on digits/holdout-200, pixels: failed, made by another run"
    assert show.trials.left() == "15 s left"


def test_a_long_training_has_lines_of_its_own(plan: Plan) -> None:
    clock = Clock()
    lines: list[str] = []
    listener = Lines(plan, lines.append, clock)
    key = plan.to_run()[3].key
    listener(Event(key, "started"))
    for epoch in range(1, 13):
        clock.now += 10
        listener(Event(key, "epoch", done=epoch, total=12, values={"loss": 1 / epoch}))
    listener(Event(key, "finished", "failed", reason="ValueError: no (log: x.log)"))
    name = "itq 16 bits on digits/holdout-200, pixels"
    assert lines[:2] == [f"{name}: fit 3 of 12, loss 0.333", f"{name}: fit 6 of 12, loss 0.167"]
    assert lines[-1].startswith(f"[1/7] {name}: failed: ValueError: no (log: x.log), 120.0 s; ")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    folders = {"results": tmp_path / "results", "data": tmp_path}
    return {"methods": "lsh", "bits": 8, "executor": "inline", **folders}


def test_events_of_trials_reach_python(asked: dict[str, Any]) -> None:
    events: list[Event] = []
    hb.run(**asked, progress=events.append)
    kinds = {event.kind for event in events}
    assert {"started", "phase", "note", "finished"} <= kinds
    assert any("extracting 1,797 images" in event.text for event in events)


@pytest.mark.parametrize(
    ("terminal", "notebook", "progress", "printed"),
    [
        (True, False, None, True),
        (True, False, False, False),
        (False, True, None, True),
        (False, False, None, False),  # a script in a pipe
        (False, False, True, True),
    ],
)
def test_progress_is_printed_where_it_is_watched_unless_it_is_not_wanted(
    asked: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    notebook: bool,
    progress: bool | None,
    printed: bool,
) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    hb.run(**asked, progress=progress)
    assert ("[3/3] lsh 8 bits on digits/holdout-200, pixels: ok" in stream.getvalue()) is printed
    assert printed or not stream.getvalue()
