"""A trial, or the measuring of one, in a process of its own, as the process that runs the grid sees it."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from hashbench.execution import process_tree, worker
from hashbench.execution.events import Event
from hashbench.execution.fork_server import without_main
from hashbench.execution.memory_group import MemoryGroup, confine
from hashbench.execution.outcome import OUT_OF_MEMORY, ProcessEnd
from hashbench.execution.settings import Settings
from hashbench.execution.slots import Slot
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import PlannedTrial

# Done once for all trials, so that no trial's time-out counts them.
UNTIMED_PHASES = ("audit", "features", "neighbours", "compile")
GRACE_SECONDS = 5.0


@dataclass
class TrialProcess:
    """A running trial as seen from outside.

    Attributes:
        planned: the trial.
        process, events: its process, and the pipe that its events come through.
        slot: where it runs.
        started: when it started (monotonic), later by the phases that the time-out does not count.
        before: the record that an earlier run left under the same key.
        phase: the last phase that it reported.
        paused: when the phase began that does not count against the time-out.
        stopped: why it was stopped, as :class:`hashbench.execution.outcome.ProcessEnd` has it.
        unwritten: why its record cannot be written, in one line.
        pipe_open: whether events may still come.
        peak: most memory of the host that was seen, in bytes; 0 where nobody looks.
        group: the memory cgroup that it is in, if any.
        oom_kills: processes that the system had ended for lack of memory when this one started.
    """

    planned: PlannedTrial
    process: BaseProcess
    events: "Connection[Event, Event]"
    slot: Slot = field(default_factory=Slot)
    started: float = field(default_factory=time.monotonic)
    before: Record | None = None
    phase: str | None = None
    paused: float | None = None
    stopped: str | None = None
    unwritten: str | None = None
    pipe_open: bool = True
    peak: int = 0
    group: MemoryGroup | None = None
    oom_kills: int = field(default_factory=process_tree.oom_kills)
    _ended: float | None = None
    _kill_at: float | None = None
    _tree: list[process_tree.Process] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The number of the process, which leads a group and a session."""
        assert self.process.pid, "the trial's process was started; 0 would be this process's own group"
        return self.process.pid

    def enter(self, phase: str, now: float) -> None:
        """Note a phase; the time-out does not count phases that are done once for all trials."""
        if self.paused is not None:
            self.started += now - self.paused
        self.phase, self.paused = phase, now if phase in UNTIMED_PHASES else None

    def overdue(self, timeout: float | None, now: float) -> bool:
        """Whether the time-out is over."""
        return timeout is not None and self.paused is None and now - self.started > timeout

    def read_event(self) -> Event | None:
        """The next event, whose phase is noted; None for one that is not passed on, and at the end of the events."""
        try:
            event = self.events.recv()
        except (EOFError, OSError):  # OSError: the process was killed in the middle of a message
            self.pipe_open = False
            return None
        if event.kind == "unwritten":
            self.unwritten = event.text
            return None
        if event.kind == "phase":
            self.enter(event.text, time.monotonic())
        return event

    def takes_more_than(self, limit: int) -> bool:
        """Whether the process and all that it started take more memory of the host than ``limit`` bytes."""
        size = process_tree.memory(process_tree.descendants(self.pid), limit)
        self.peak = max(self.peak, size)
        return size > limit or self._killed_by_group()

    def _killed_by_group(self) -> bool:
        if self.group is None or not self.group.killed:
            return False
        self.peak = max(self.peak, self.group.peak, self.group.limit)
        return True

    def stop(self, reason: str) -> None:
        """Ask the process to end, for the first reason given; what takes too much memory is not asked."""
        if self.stopped is not None:
            return
        self.stopped, self._ended = reason, time.monotonic()
        self._tree = process_tree.tree(self.pid)
        if reason == OUT_OF_MEMORY:
            process_tree.kill(self._tree)
        else:
            self.process.terminate()
        self._kill_at = self._ended + GRACE_SECONDS

    def gone(self) -> bool:
        """Whether the process has ended; one that was stopped and does not end is killed after a grace."""
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self.process.kill()  # it may not lead a group yet
        return not self.process.is_alive()

    def clean_up(self) -> None:
        """Kill the process, if it has not ended, and whatever is left of its group, its session and its children."""
        if self._ended is None:
            self._ended = time.monotonic()
        left = [*self._tree, *process_tree.tree(self.pid)]
        if self.process.is_alive():
            self.process.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        process_tree.kill(left)
        self.process.join()
        self.events.close()
        if self._killed_by_group():
            self.stopped = self.stopped or OUT_OF_MEMORY
        if self.group is not None:
            self.group.remove()

    def end(self) -> ProcessEnd:
        """How the process ended, once it is gone."""
        ended = time.monotonic() if self._ended is None else self._ended
        seconds = (ended if self.paused is None else self.paused) - self.started
        by_system = process_tree.oom_kills() > self.oom_kills
        return ProcessEnd(self.process.exitcode, self.stopped, self.phase, seconds, self.peak or None, by_system)


def start(
    planned: PlannedTrial, work: worker.Work, settings: Settings, slot: Slot, store: Store, context: BaseContext
) -> TrialProcess:
    """Start a process for a trial; its output goes to the trial's log."""
    before = store.read(planned)
    receiver, sender = context.Pipe(duplex=False)
    environment = {**os.environ, **slot.environment()}
    process = context.Process(  # type: ignore[attr-defined]
        target=worker.main,
        args=(planned, work, settings, slot.threads, store.log_path(planned), sender, environment),
        name=f"hashbench {planned}",
    )
    with without_main():
        process.start()
    sender.close()
    group = None if settings.memory is None else confine(process.pid, settings.memory)
    return TrialProcess(planned, process, receiver, slot, before=before, group=group)
