"""A grid on a cluster: which trials are asked for, what comes back, and what becomes of those whose node is lost."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

import ray

from hashbench.errors import StorageError, UsageError
from hashbench.execution.claimed_schedule import ClaimedSchedule
from hashbench.execution.claims import Claims
from hashbench.execution.cluster.answer import write_answer
from hashbench.execution.cluster.messages import Request, make_request
from hashbench.execution.cluster.nodes import Need, Node, alive_nodes, check_room, checked_nodes, same_versions
from hashbench.execution.cluster.taken_over import files_of_earlier
from hashbench.execution.cluster.task import Task, TaskEnd, submit
from hashbench.execution.cluster.versions import versions_here
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.interruption import Interruption
from hashbench.execution.outcome import finished
from hashbench.execution.settings import Settings
from hashbench.records.new_record import mark_failed, new_record
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.paths import shown

POLL_SECONDS = 0.2
NODES_SECONDS = 2.0  # between two looks at which nodes there are
RETRIES = 3  # of a trial whose node is lost


class ClusterGrid:
    """Trials as tasks of a cluster that this process is connected to, of which each leaves a record here.

    Args:
        trials: what is to be run.
        settings: of the run.
        on_event: gets all events, from the thread that calls :meth:`carry_out`.
        claims: of the run.
        need: what a trial asks ray for.
        own: the cluster is this machine alone, and has what this process has.
    """

    def __init__(
        self,
        trials: Sequence[PlannedTrial],
        settings: Settings,
        on_event: OnEvent,
        claims: Claims,
        need: Need,
        own: bool,
    ) -> None:
        self.settings, self.on_event, self.need, self.own = settings, on_event, need, own
        self.trials, self.store, self.versions = trials, Store(settings.results), versions_here()
        self.schedule = ClaimedSchedule(trials, claims, on_event)
        self.again, self.running = list[PlannedTrial](), list[Task]()
        self.shown, self.room = set[str](), 1
        self.losses: Counter[str] = Counter()
        self.nodes: Mapping[str, Node] = {}
        self.checked: Mapping[str, Node] = {}  # those that were there at the start; later ones check themselves
        self.interruption = Interruption()
        self._next_look = 0.0

    def carry_out(self) -> bool:
        """Run all; False when the user interrupted.

        Raises:
            UsageError: a node is not as this machine, lacks data, or none has room; trials may be left.
            StorageError: a folder cannot be written, here or on a node; what ran was stopped.
        """
        try:
            return self._carried_out()
        except ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise UsageError(f"the ray cluster is lost ({lines[-1]}); the same command goes on from there") from error

    def _carried_out(self) -> bool:
        self.store.prepare()
        self.nodes = self._checked()
        interruption = self.interruption
        with interruption.listening():
            try:
                while True:
                    if interruption.count:
                        self._drain(stop_all=interruption.count > 1)
                    else:
                        self._fill()
                    if self.running:
                        self._follow()
                    elif interruption.count or not (self._waits_for_room() or self.schedule.waits()):
                        return interruption.count == 0
                    else:
                        time.sleep(POLL_SECONDS)
            finally:
                for task in self.running:
                    task.cancel()

    def _checked(self) -> Mapping[str, Node]:
        """The nodes, which have what the trials need."""
        nodes = alive_nodes()
        check_room(nodes, self.need)
        if self.own:
            return nodes
        same_versions(nodes, self.versions)
        each = {(planned.trial.method, planned.dataset_spec): planned for planned in self.trials}
        requests = [self._request(planned, {}) for planned in each.values()]
        fitting = {number: node for number, node in nodes.items() if node.room(self.need)}
        self.checked = checked_nodes(fitting, requests)
        return {**nodes, **self.checked}

    def _request(self, planned: PlannedTrial, files: dict[str, bytes]) -> Request:
        known = None if self.own else self.checked
        return make_request(planned, self.settings, int(self.need["CPU"]), self.versions, not self.own, files, known)

    def _places(self) -> int:
        """How many trials run at once, by the nodes that are there now."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + NODES_SECONDS
            now = alive_nodes()
            self.nodes = {number: self.nodes.get(number, node) for number, node in now.items()}
        before, self.room = self.room, sum(node.room(self.need) for node in self.nodes.values())
        if before and not self.room:
            self._say_no_room()
        return min(self.room, self.settings.asked.get("jobs") or self.room)

    def _say_no_room(self) -> None:
        """Say, where trials are left, that all wait for a node."""
        left = [*(task.planned for task in self.running), *self.again, *self.schedule.waiting.values()]
        if left:
            line = "the nodes that had room for a trial are lost; the run waits for another one to join"
            self.on_event(Event(left[0].key, "note", line))

    def _waits_for_room(self) -> bool:
        return bool(self.again or (not self.room and self.schedule.waiting))

    def _fill(self) -> None:
        places = self._places()
        while len(self.running) < places:
            planned = self.again.pop(0) if self.again else self.schedule.next()
            if planned is None:
                return
            self.store.check_present()
            self.store.log_path(planned).unlink(missing_ok=True)
            request = self._request(planned, files_of_earlier(planned, self.store))
            self.running.append(submit(planned, request, self.need))

    def _drain(self, stop_all: bool) -> None:
        """Stop tasks that wait for a node, or all."""
        self.again = []
        for task in [task for task in self.running if stop_all or task.node is None]:
            task.cancel()
            self.running.remove(task)

    def _follow(self) -> None:
        """Pass on what tasks report, and write the records of those that ended."""
        by_generator = {id(task.messages): task for task in self.running}
        ready, _ = ray.wait([task.messages for task in self.running], timeout=POLL_SECONDS)
        for messages in ready:
            task = by_generator[id(messages)]
            try:
                found = task.next(self.nodes)
            except UsageError as error:
                task.cancel()
                found = TaskEnd("failed", str(error))
            if isinstance(found, Event):
                self._show(task.planned)
                if found.kind == "phase":
                    self.schedule.entered(found.key, found.text)
                if found.kind != "started":
                    self.on_event(found)
            elif isinstance(found, TaskEnd) or task.answer is not None:
                self._end(task, found)

    def _show(self, planned: PlannedTrial) -> None:
        """Say that a trial has started: once, before anything else of it, whatever its node sends and how often."""
        if planned.key not in self.shown:
            self.shown.add(planned.key)
            self.on_event(Event(planned.key, "started"))

    def _end(self, task: Task, end: TaskEnd | None) -> None:
        """Write the record of a task that ended; ask again for a trial whose node was lost."""
        self.running.remove(task)
        planned = task.planned
        if end is not None and end.status is None:
            self._next_look = 0.0
            if self.interruption.count:  # it is left, as those that wait are
                self.schedule.ended(planned.key)
                return
            self.losses[planned.key] += 1
            if (number := self.losses[planned.key]) <= RETRIES:
                line = f"{end.message}; {planned} is run again ({number} of at most {RETRIES} times)"
                self.on_event(Event(planned.key, "note", line))
                self.again.append(planned)
                return
            end = TaskEnd("killed", f"{end.message}, as were the nodes of {RETRIES} earlier tries")
        self.schedule.ended(planned.key)
        self._show(planned)
        record = self._answered(task) if end is None else self._failed(task, end)
        self.on_event(finished(planned, record, f"log: {shown(self.store.log_path(planned))}"))

    def _answered(self, task: Task) -> Record:
        assert task.answer is not None
        if task.answer.refused:
            raise UsageError(f"{task} {task.answer.refused}")
        if task.answer.unwritten:
            raise StorageError(f"{task}: {task.answer.unwritten}")
        try:
            return write_answer(task.answer, task.planned, str(task), self.store)
        except StorageError:
            raise
        except UsageError as error:
            return self._failed(task, TaskEnd("failed", str(error)))

    def _failed(self, task: Task, end: TaskEnd) -> Record:
        """The record, which is written, of a trial that left none."""
        planned, settings = task.planned, self.settings
        record = new_record(planned, settings.device, settings.provenance)
        if task.node is not None and task.node.environment:
            record["environment"] = dict(task.node.environment)
        mark_failed(record, end.status or "killed", task.phase, end.message, [])
        record["seconds"] = {"total": time.monotonic() - task.asked}
        self.store.write_record(planned, record)
        return record
