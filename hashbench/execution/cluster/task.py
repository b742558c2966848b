"""The task of a trial, as the machine that asks for it sees it."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import ray

from hashbench.execution.cluster.messages import Answer, Happened, Request, Started, decode, encode
from hashbench.execution.cluster.nodes import Need, Node, alive_nodes
from hashbench.execution.events import Event
from hashbench.records.trial_spec import PlannedTrial

NODE_SECONDS = 5.0  # that ray takes at most to see that a node is gone whose worker is
LOST = (ray.exceptions.NodeDiedError, ray.exceptions.ObjectLostError, ray.exceptions.LocalRayletDiedError)


def trial_on_node(content: bytes) -> Iterator[bytes]:
    """Run a trial on this node; gives messages."""
    from hashbench.execution.cluster.node_task import carry_out_request

    node = ray.get_runtime_context().get_node_id()
    yield encode(Started(node))
    for message in carry_out_request(content, node):
        yield encode(message)


REMOTE = ray.remote(max_calls=1, max_retries=0, num_returns="streaming")(trial_on_node)
"""The function as a task: in a worker of its own, that ray does not start again whatever becomes of it."""


@dataclass(frozen=True)
class TaskEnd:
    """The end of a task that brought no answer.

    Attributes:
        status: of the trial's record; None where its node was lost, and the trial may be run again.
        message: why, for that record.
    """

    status: str | None
    message: str


@dataclass
class Task:
    """A task that was asked for.

    Attributes:
        planned: its trial.
        messages: ray's generator of them.
        node: where it runs; None while it waits.
        phase: the last one that the trial reported.
        asked: when (monotonic).
        answer: the last message.
    """

    planned: PlannedTrial
    messages: Any
    node: Node | None = None
    phase: str | None = None
    asked: float = field(default_factory=time.monotonic)
    answer: Answer | None = None

    def __str__(self) -> str:
        return "a node" if self.node is None else str(self.node)

    def next(self, nodes: Mapping[str, Node]) -> Event | TaskEnd | None:
        """The next thing that is known of the task, which has to be ready; None for its answer, and at its end.

        Raises:
            UsageError: the node sent what is no message.
        """
        try:
            message = decode(ray.get(next(self.messages)), str(self))
        except StopIteration:
            return None if self.answer else TaskEnd("failed", f"{self} sent no answer")
        except ray.exceptions.RayError as error:
            return self._end(error)
        if isinstance(message, Started):
            self.node = nodes.get(message.node) or alive_nodes().get(message.node)
            return Event(self.planned.key, "started")
        if isinstance(message, Happened):
            event = message.event(self.planned.key)
            self.phase = event.text if event.kind == "phase" else self.phase
            return event
        self.answer = message
        return None

    def cancel(self) -> None:
        """End the task at once, and its trial; nothing where it, or the cluster, is gone."""
        with suppress(Exception):  # of many kinds, and what ends the run is to be told instead
            ray.cancel(self.messages, force=True)

    def _end(self, error: Exception) -> TaskEnd | None:
        """What an error of ray's says of the trial; None where it says that its node cannot take part.

        A worker that ended before it said where it runs has run nothing: that counts as a lost node too. One that
        cannot even load what it is to run lacks hashbench, and would fail every trial of the run within seconds.
        """
        if isinstance(error, LOST) or (isinstance(error, ray.exceptions.WorkerCrashedError) and self._node_is_gone()):
            return TaskEnd(None, f"{self} was lost")
        if isinstance(error, ray.exceptions.OutOfMemoryError):
            return TaskEnd("oom", f"ended by ray because the memory of {self} ran out")
        if isinstance(error, ray.exceptions.WorkerCrashedError):
            return TaskEnd("killed", f"the process that watched it on {self} ended unexpectedly")
        lines = str(error).strip().splitlines() or [type(error).__name__]
        if self.node is None and isinstance(error, ray.exceptions.RayTaskError):
            address = re.search(r"\bip=([^\s,)]+)", lines[0])
            at = f"at {address[1]} " if address else ""
            self.answer = Answer(
                refused=f"{at}cannot start trials: {lines[-1]}; install the same on all nodes, or stop that node"
            )
            return None
        return TaskEnd("failed", f"{self} could not run it: {lines[-1]}")

    def _node_is_gone(self) -> bool:
        deadline = time.monotonic() + NODE_SECONDS
        if self.node is None:
            return True
        while time.monotonic() < deadline:
            if self.node.number not in alive_nodes():
                return True
            time.sleep(0.2)
        return False


def submit(planned: PlannedTrial, request: Request, need: Need) -> Task:
    """Ask the cluster for a trial: a task in a worker of its own, which ray does not start again.

    Args:
        planned: the trial.
        request: what its node gets.
        need: what it asks ray for.
    """
    task = REMOTE.options(num_cpus=need["CPU"], num_gpus=need["GPU"], memory=need["memory"] or None)
    return Task(planned, task.remote(encode(request)))
