"""A grid on a cluster as this machine sees it: what is asked for again, what is recorded, what stops the run."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="ray is not installed: pip install 'hashbench[ray]'")

import ray

from hashbench.errors import StorageError, UsageError
from hashbench.execution.claims import Claims
from hashbench.execution.cluster import grid
from hashbench.execution.cluster.grid import ClusterGrid
from hashbench.execution.cluster.messages import Answer
from hashbench.execution.cluster.nodes import Node
from hashbench.execution.cluster.task import TaskEnd
from hashbench.execution.events import Event
from hashbench.execution.run import make_settings, plan_grids
from hashbench.execution.slots import SlotOptions
from hashbench.planning.grid import Grid
from hashbench.planning.plan import Plan
from hashbench.records.new_record import mark_failed, new_record
from hashbench.records.store import Store, to_json
from hashbench.records.trial_spec import PlannedTrial

NODE = Node("a" * 56, "big", {"CPU": 2.0})
NEED = {"CPU": 1.0, "GPU": 0.0, "memory": 0.0}
LOST = TaskEnd(None, "node big was lost")
Script = Callable[[PlannedTrial, int], Any]


@dataclass
class FakeTask:
    """A task that starts, and then ends as its script says."""

    planned: PlannedTrial
    end: Any
    node: Node | None = None
    phase: str | None = None
    asked: float = 0.0
    answer: Answer | None = None
    cancelled: list[str] = field(default_factory=list)

    @property
    def messages(self) -> "FakeTask":
        return self

    def next(self, _nodes: object) -> Any:
        if self.node is None:
            self.node = NODE
            return Event(self.planned.key, "started")
        end = self.end() if callable(self.end) else self.end
        self.answer = end if isinstance(end, Answer) else None
        return None if self.answer else end

    def cancel(self) -> None:
        self.cancelled.append(self.planned.key)

    def __str__(self) -> str:
        return "node big"


class Cluster:
    """A cluster whose tasks end by a script, of the trial and how often it was asked for."""

    def __init__(self, folder: Path, script: Script, jobs: int | None = None) -> None:
        asked = SlotOptions() if jobs is None else SlotOptions(jobs=jobs)
        self.settings = make_settings(folder / "r", None, "cpu", slot_options=asked)
        self.store, self.script = Store(self.settings.results), script
        self.plan: Plan = plan_grids([Grid(("lsh", "itq"), (8,), datasets=("digits",))], self.settings)
        self.asked, self.events, self.tasks = list[str](), list[Event](), list[FakeTask]()
        self.most, self.nodes, self.says_start = 0, {NODE.number: NODE}, True

    def run(self, monkeypatch: pytest.MonkeyPatch) -> bool:
        monkeypatch.setattr(grid, "submit", self._submit)
        monkeypatch.setattr(grid, "alive_nodes", self._alive)
        monkeypatch.setattr("ray.wait", self._wait)
        self.store.prepare()
        with Claims(self.store, {}, {}) as claims:
            trials = self.plan.to_run()
            return ClusterGrid(trials, self.settings, self.events.append, claims, NEED, own=True).carry_out()

    def _submit(self, planned: PlannedTrial, *_given: object) -> FakeTask:
        self.asked.append(planned.trial.method)
        self.tasks.append(FakeTask(planned, self.script(planned, self.asked.count(planned.trial.method))))
        self.tasks[-1].node = None if self.says_start else NODE
        return self.tasks[-1]

    def _alive(self) -> dict[str, Node]:
        return self.nodes

    def _wait(self, running: list[FakeTask], timeout: float) -> tuple[list[FakeTask], list[FakeTask]]:
        self.most = max(self.most, len(running))
        return [min(running, key=lambda task: task.node is not None)], []

    def statuses(self) -> dict[str, str]:
        records = self.store.records().contents.values()
        return {str(record["trial"]["method"]): str(record["status"]) for record in records}

    def message(self, method: str) -> str:
        (record,) = [r for r in self.store.records().contents.values() if r["trial"]["method"] == method]
        return str(record["error"]["message"])


def skipped(planned: PlannedTrial) -> Answer:
    """An answer, of a method that cannot serve the request."""
    record = new_record(planned, "cpu", {"git_commit": None, "git_dirty": None, "command": "test"})
    return Answer(record=to_json(mark_failed(record, "skipped", "fit", "why", [])), log=b"out\n")


@pytest.mark.parametrize("jobs", [None, 1])
def test_each_trial_is_recorded_once_as_many_at_once_as_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int | None
) -> None:
    cluster = Cluster(tmp_path, lambda planned, _times: skipped(planned), jobs)
    assert cluster.run(monkeypatch)
    assert cluster.statuses() == dict.fromkeys(["itq", "lsh", "reference-float", "reference-random"], "skipped")
    assert len(cluster.asked) == 4
    assert [event.kind for event in cluster.events if event.kind == "finished"] == ["finished"] * 4
    assert cluster.most <= (jobs or 2)
    assert sorted(file.read_text() for file in cluster.store.logs.iterdir()) == ["out\n"] * 4


def test_a_trial_of_a_lost_node_is_run_again_three_times_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = {"lsh": 4, "itq": 9}  # tries, of which the last is answered
    cluster = Cluster(
        tmp_path, lambda planned, times: LOST if times < most.get(planned.trial.method, 1) else skipped(planned)
    )
    assert cluster.run(monkeypatch)
    assert (cluster.asked.count("lsh"), cluster.asked.count("itq"), cluster.asked.count("reference-float")) == (4, 4, 1)
    assert cluster.statuses()["lsh"] == "skipped"
    assert cluster.statuses()["itq"] == "killed"
    assert cluster.message("itq") == "node big was lost, as were the nodes of 3 earlier tries"
    notes = [event.text for event in cluster.events if event.kind == "note" and "itq" in event.text]
    assert [text.rpartition("again ")[2] for text in notes] == [f"({n} of at most 3 times)" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("end", "status", "message"),
    [
        (TaskEnd("oom", "ended by ray"), "oom", "ended by ray"),
        (TaskEnd("killed", "gone"), "killed", "gone"),
        (Answer(record=b"{"), "failed", "the record that node big sent is no JSON"),
    ],
)
def test_what_fails_is_recorded_and_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Any, status: str, message: str
) -> None:
    cluster = Cluster(tmp_path, lambda planned, _times: end if planned.trial.method == "lsh" else skipped(planned))
    assert cluster.run(monkeypatch)
    assert cluster.asked.count("lsh") == 1
    assert cluster.statuses() == {**dict.fromkeys(cluster.statuses(), "skipped"), "lsh": status}
    assert cluster.message("lsh").startswith(message)


@pytest.mark.parametrize(
    ("answer", "kind", "line"),
    [
        (
            Answer(refused="has torch 1, this machine has torch 2; stop it"),
            UsageError,
            "^node big has torch 1, this machine has torch 2; stop it$",
        ),
        (Answer(unwritten="/c cannot be written"), StorageError, "^node big: /c cannot be written$"),
    ],
)
def test_a_node_that_cannot_run_trials_stops_the_run_which_may_go_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, kind: type[Exception], line: str
) -> None:
    cluster = Cluster(tmp_path, lambda _planned, _times: answer)
    with pytest.raises(kind, match=line):
        cluster.run(monkeypatch)
    assert cluster.statuses() == {}
    assert list(cluster.store.leases.glob("*.lease")) == []


def test_ctrl_c_once_finishes_what_runs_and_twice_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(planned: PlannedTrial, _times: int) -> Any:
        def end() -> Any:
            os.kill(os.getpid(), signal.SIGINT)
            return skipped(planned)

        return end

    once = Cluster(tmp_path, script, jobs=1)
    assert not once.run(monkeypatch)
    assert (len(once.asked), len(once.statuses())) == (1, 1)

    signals = list[int]()

    def script_of_a_job(planned: PlannedTrial, _times: int) -> Any:
        def end() -> Any:
            if signals:  # it was to be stopped
                return skipped(planned)
            signals.append(signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            return Event(planned.key, "note", "")

        return end

    twice = Cluster(tmp_path / "twice", script_of_a_job, jobs=1)
    assert not twice.run(monkeypatch)
    assert twice.statuses() == {}
    assert [bool(task.cancelled) for task in twice.tasks] == [True]


def test_a_run_that_no_node_has_room_for_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(tmp_path, lambda planned, _times: skipped(planned))
    monkeypatch.setitem(NEED, "CPU", 3.0)
    with pytest.raises(UsageError, match=r"^a trial asks for 3 CPU, and no node of the cluster has that"):
        cluster.run(monkeypatch)
    assert cluster.asked == []


@pytest.mark.parametrize("says_start", [True, False])
def test_every_trial_has_started_once_before_it_has_finished_whatever_its_node_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says_start: bool
) -> None:
    """The display has a row from the first to the other; one that is run again has one row."""
    cluster = Cluster(tmp_path, lambda planned, times: LOST if times < 3 else skipped(planned))
    cluster.says_start = says_start
    assert cluster.run(monkeypatch)
    kinds: dict[str, list[str]] = {planned.key: [] for planned in cluster.plan.to_run()}
    for event in cluster.events:
        if event.kind in ("started", "finished"):
            kinds[event.key].append(event.kind)
    assert set(map(tuple, kinds.values())) == {("started", "finished")}


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_waits_where_no_node_is_left_and_goes_on_with_one_that_joins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    joined = Node("b" * 56, "late", {"CPU": 1.0})
    cluster, waits = Cluster(tmp_path, lambda *_given: None, jobs=1), list[float]()

    def script(planned: PlannedTrial, times: int) -> Any:
        def lose_all() -> Any:
            cluster.nodes = {}
            return skipped(planned) if ended else LOST

        return lose_all if planned.trial.method == "lsh" and times == 1 else skipped(planned)

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        cluster.nodes = {joined.number: joined} if len(waits) == 3 else {}

    cluster.script = script
    monkeypatch.setattr(grid, "NODES_SECONDS", 0.0)
    monkeypatch.setattr("time.sleep", sleep)
    assert cluster.run(monkeypatch)
    assert set(cluster.statuses().values()) == {"skipped"}
    assert len(cluster.statuses()) == 4
    assert len(waits) == 3
    lines = [event.text for event in cluster.events if event.kind == "note" and "waits" in event.text]
    assert lines == ["the nodes that had room for a trial are lost; the run waits for another one to join"]


def test_a_node_that_is_lost_while_a_run_is_stopped_leaves_its_trial_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(_planned: PlannedTrial, _times: int) -> Any:
        def end() -> TaskEnd:
            os.kill(os.getpid(), signal.SIGINT)
            return LOST

        return end

    cluster = Cluster(tmp_path, lose, jobs=1)
    assert not cluster.run(monkeypatch)
    assert (len(cluster.asked), cluster.statuses()) == (1, {})
    assert [event.text for event in cluster.events if event.kind == "note"] == []


def test_a_cluster_that_is_lost_ends_the_run_with_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_planned: PlannedTrial, _times: int) -> Any:
        def end() -> Any:
            raise ray.exceptions.RaySystemError("much text\nthe head is gone")

        return end

    cluster = Cluster(tmp_path, lost)
    with pytest.raises(UsageError, match=r"^the ray cluster is lost \(.*\); the same command goes on from there$"):
        cluster.run(monkeypatch)
    assert all(task.cancelled for task in cluster.tasks)
    assert cluster.statuses() == {}
