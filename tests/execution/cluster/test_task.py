"""What becomes of a trial by what ray says of its task."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("ray", reason="ray is not installed: pip install 'hashbench[ray]'")

import ray

from hashbench.errors import UsageError
from hashbench.execution.cluster import task
from hashbench.execution.cluster.messages import Answer, Happened, Started, encode
from hashbench.execution.cluster.nodes import Node
from hashbench.execution.cluster.task import REMOTE, Task, TaskEnd
from hashbench.execution.events import Event
from tests.execution.test_schedule import BASE

NODE = Node("a" * 56, "big", {"CPU": 1.0})
NODES = {NODE.number: NODE}
KEY = BASE.key


def sent(monkeypatch: pytest.MonkeyPatch, *messages: object) -> Task:
    """A task of which ray has these: bytes, or errors."""

    def get(message: object) -> object:
        if isinstance(message, Exception):
            raise message
        return message

    monkeypatch.setattr(ray, "get", get)
    monkeypatch.setattr(task, "NODE_SECONDS", 0.01)
    generator: Iterator[Any] = iter(messages)
    return Task(BASE, generator)


def test_ray_starts_no_task_again_and_uses_no_worker_twice() -> None:
    options = REMOTE._default_options
    assert (options["max_retries"], options["max_calls"]) == (0, 1)


def test_messages_become_events_and_the_last_one_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [Event(KEY, "phase", "fit"), Event(KEY, "epoch", "", 1, 2, {"loss": 0.5})]
    answer = Answer(record=b"{}")
    one = sent(monkeypatch, encode(Started(NODE.number)), *(encode(Happened.of(e)) for e in events), encode(answer))
    assert [one.next(NODES) for _ in range(4)] == [Event(KEY, "started"), *events, None]
    assert (one.node, one.phase, one.answer) == (NODE, "fit", answer)


@pytest.mark.parametrize(
    ("error", "alive", "end"),
    [
        (ray.exceptions.NodeDiedError("gone"), NODES, TaskEnd(None, f"{NODE} was lost")),
        (ray.exceptions.ObjectLostError("00", None, ""), NODES, TaskEnd(None, f"{NODE} was lost")),
        (ray.exceptions.WorkerCrashedError(), {}, TaskEnd(None, f"{NODE} was lost")),
        (
            ray.exceptions.WorkerCrashedError(),
            NODES,
            TaskEnd("killed", f"the process that watched it on {NODE} ended unexpectedly"),
        ),
        (
            ray.exceptions.OutOfMemoryError("much text"),
            NODES,
            TaskEnd("oom", f"ended by ray because the memory of {NODE} ran out"),
        ),
        (
            ray.exceptions.RaySystemError("first\nModuleNotFoundError: No module named 'x'"),
            NODES,
            TaskEnd("failed", f"{NODE} could not run it: ModuleNotFoundError: No module named 'x'"),
        ),
    ],
)
def test_only_a_lost_node_lets_a_trial_be_run_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, alive: dict[str, Node], end: TaskEnd
) -> None:
    monkeypatch.setattr(task, "alive_nodes", lambda: alive)
    one = sent(monkeypatch, encode(Started(NODE.number)), error)
    assert one.next(NODES) == Event(KEY, "started")
    assert one.next(NODES) == end


def test_a_worker_that_ended_before_it_said_where_it_runs_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    one = sent(monkeypatch, ray.exceptions.WorkerCrashedError())
    assert one.next(NODES) == TaskEnd(None, "a node was lost")


@pytest.mark.parametrize(("first", "at"), [("ray::f() (pid=7, ip=10.0.0.2)", "at 10.0.0.2 "), ("ray::f()", "")])
def test_a_worker_that_cannot_load_the_task_is_a_node_that_cannot_take_part(
    monkeypatch: pytest.MonkeyPatch, first: str, at: str
) -> None:
    text = f"{first}\nRuntimeError: failed to import\nModuleNotFoundError: No module named 'hashbench'"
    error = ray.exceptions.RayTaskError("f", text, RuntimeError("failed to import"))
    one = sent(monkeypatch, error.as_instanceof_cause())
    assert one.next(NODES) is None
    why = "cannot start trials: ModuleNotFoundError: No module named 'hashbench'"
    assert one.answer == Answer(refused=f"{at}{why}; install the same on all nodes, or stop that node")


def test_what_cannot_be_cancelled_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def cancel(messages: object, force: bool) -> None:
        asked.append((messages, force))
        raise ray.exceptions.RaySystemError("no cluster")

    monkeypatch.setattr(ray, "cancel", cancel)
    one = sent(monkeypatch)
    one.cancel()
    assert asked == [(one.messages, True)]


def test_what_is_no_message_and_a_missing_answer_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    one = sent(monkeypatch, encode(Started(NODE.number)), b"\x80\x04")
    one.next(NODES)
    with pytest.raises(UsageError, match=r"^node big \(aaaaaaaa\) sent what is no message"):
        one.next(NODES)
    assert one.next(NODES) == TaskEnd("failed", f"{NODE} sent no answer")
