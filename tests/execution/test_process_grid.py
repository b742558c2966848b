"""Processes in slots, whatever they do: how many at once, what they see, what stops them, and that nothing is left."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from hashbench.execution import process_tree, trial_process
from hashbench.execution.events import Event
from hashbench.execution.local import ProcessGrid
from hashbench.execution.outcome import OUT_OF_MEMORY, TIMED_OUT, ProcessEnd
from hashbench.execution.run import make_settings
from hashbench.execution.settings import Settings
from hashbench.execution.slots import Slot
from hashbench.execution.trial_process import TrialProcess
from hashbench.records.trial_spec import PlannedTrial
from tests.execution import work
from tests.execution.test_local import alive
from tests.execution.test_memory_group import can_confine
from tests.execution.test_schedule import BASE

T = TypeVar("T")


class Grid(ProcessGrid):
    """Notes how each process ended."""

    work = staticmethod(work.do)

    def __init__(
        self, names: Sequence[str], settings: Settings, slots: Sequence[Slot], begun: Callable[[], None] = lambda: None
    ) -> None:
        self.events: list[Event] = []
        self.ends: dict[str, ProcessEnd] = {}
        self.begun = begun
        trials = [replace(BASE, trial=replace(BASE.trial, features=name)) for name in names]
        super().__init__(trials, settings, self.events.append, slots)

    def begin(self, planned: PlannedTrial) -> None:
        self.begun()

    def ended(self, process: TrialProcess) -> None:
        self.ends[process.planned.trial.features] = process.end()

    def notes(self) -> list[str]:
        return [event.text for event in self.events if event.kind == "note"]

    def most_at_once(self) -> int:
        spans = [event.values for event in self.events if event.kind == "epoch"]
        return max(sum(span["began"] <= one["began"] < span["ended"] for span in spans) for one in spans)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path, tmp_path, "cpu")


@pytest.mark.parametrize("slots", [1, 2])
def test_as_many_run_at_once_as_there_are_slots(settings: Settings, slots: int) -> None:
    grid = Grid([f"nap {number}" for number in range(4)], settings, [Slot()] * slots)
    assert grid.carry_out()
    assert [end.exit_code for end in grid.ends.values()] == [0] * 4
    assert grid.most_at_once() == slots


def test_a_process_sees_the_gpu_and_the_threads_of_its_slot(settings: Settings) -> None:
    grid = Grid(["place 1", "place 2"], settings, [Slot("GPU-1", 3), Slot("GPU-2", 2)])
    assert grid.carry_out()
    assert sorted(grid.notes()) == ["2 GPU-2 True", "3 GPU-1 True"]


def test_a_line_that_no_encoding_takes_is_logged(settings: Settings) -> None:
    grid = Grid(["name"], settings, [Slot()])
    assert grid.carry_out()
    assert grid.ends["name"].exit_code == 0
    assert grid.notes() == ["x\ud800.npy"]


@pytest.mark.parametrize("grouped", [True, False])
def test_who_takes_more_memory_than_the_limit_is_stopped_and_no_other(
    settings: Settings, grouped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the system where there are memory cgroups, however late anyone looks; else by who looks."""
    if not grouped:
        monkeypatch.setattr(trial_process, "confine", lambda *_: None)
    elif not can_confine():
        pytest.skip("no memory cgroup can be made here")
    else:
        monkeypatch.setattr(process_tree, "memory", lambda *_: 0)
    limited = replace(settings, memory=600 << 20)
    grid = Grid(["take 2000", "take 1"], limited, [Slot(), Slot()])
    assert grid.carry_out()
    greedy, modest = grid.ends["take 2000"], grid.ends["take 1"]
    assert greedy.stopped == OUT_OF_MEMORY
    assert (greedy.host_peak_bytes or 0) > 600 << 20
    assert (modest.stopped, modest.exit_code) == (None, 0)
    if not grouped:
        assert 0 < (modest.host_peak_bytes or 0) < 600 << 20


def test_who_takes_longer_than_the_time_out_ends_with_all_that_it_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(trial_process, "GRACE_SECONDS", 0.3)
    grid = Grid(["hang", "nap"], replace(settings, timeout=5.0), [Slot(), Slot()])
    assert grid.carry_out()
    assert grid.ends["hang"].stopped == TIMED_OUT
    assert 5 <= grid.ends["hang"].seconds < 60
    assert grid.ends["nap"].exit_code == 0
    _all_gone(tmp_path / "pids")


def test_ctrl_c_starts_nothing_more_and_waits(settings: Settings) -> None:
    grid = Grid(["nap 1", "nap 2"], settings, [Slot()], lambda: os.kill(os.getpid(), signal.SIGINT))
    assert not grid.carry_out()
    assert {name: end.exit_code for name, end in grid.ends.items()} == {"nap 1": 0}


def test_the_end_of_a_job_stops_what_runs(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trial_process, "GRACE_SECONDS", 0.3)
    grid = Grid(["hang", "nap"], settings, [Slot()])
    grid.on_event = lambda _event: _when(tmp_path / "pids", lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert not grid.carry_out()
    assert grid.ends == {}
    assert list(grid.schedule.waiting)
    _all_gone(tmp_path / "pids")


def test_a_trial_that_a_scheduler_ends_first_is_stopped_and_not_failed(settings: Settings, tmp_path: Path) -> None:
    grid = Grid(["wait"], settings, [Slot()])

    def end_the_trial_then_the_run(event: Event) -> None:
        if event.kind == "note":
            os.kill(int(event.text), signal.SIGTERM)
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()

    grid.on_event = end_the_trial_then_the_run
    assert not grid.carry_out()
    assert grid.ends == {}


def test_who_holds_pythons_lock_dies_with_the_run_and_so_do_its_children(settings: Settings, tmp_path: Path) -> None:
    run = os.fork()
    if run == 0:
        os.setsid()
        Grid(["lock"], settings, [Slot()]).carry_out()
        os._exit(0)
    try:
        _when(tmp_path / "pids", lambda: None)
        time.sleep(0.5)
    finally:
        os.kill(run, signal.SIGKILL)
        os.waitpid(run, 0)
    _all_gone(tmp_path / "pids")


def _all_gone(pids: Path) -> None:
    deadline = time.monotonic() + 60
    while any(alive(int(pid)) for pid in pids.read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _when(file: Path, then: Callable[[], T]) -> T:
    deadline = time.monotonic() + 240
    while not (file.exists() and len(file.read_text().split()) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return then()
