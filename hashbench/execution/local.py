"""The local executor: a fresh process per trial, one at a time, watched from outside."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import FrameType, ModuleType

from hashbench.errors import StorageError, UsageError
from hashbench.execution import worker
from hashbench.execution.claims import Claims, claimed
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.executor import Executor
from hashbench.execution.outcome import ProcessEnd, finished, left_record
from hashbench.execution.settings import Settings
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.paths import shown

# Done once for all trials, so that no trial's time-out counts them.
UNTIMED_PHASES = ("audit", "features", "neighbours", "compile")
GRACE_SECONDS = 5.0
POLL_SECONDS = 0.2
TIMED_OUT, STOPPED_BY_USER = "time-out", "user"


@dataclass
class Interruption:
    """Counts Ctrl-C: the first lets the running trial finish, the second stops it."""

    count: int = 0

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Count SIGINT inside instead of raising it; only a main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._count)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


@dataclass
class Watch:
    """A running trial as seen from outside.

    Attributes:
        planned: the trial.
        process, events: its process, and the pipe that its events come through.
        started: when it started (monotonic), later by the phases that the time-out does not count.
        before: the record that an earlier run left under the same key.
        phase: the last phase that it reported.
        paused: when the phase began that does not count against the time-out.
        stopped: why it was stopped, TIMED_OUT or STOPPED_BY_USER.
        unwritten: why its record cannot be written, in one line.
    """

    planned: PlannedTrial
    process: BaseProcess
    events: "Connection[Event, Event]"
    started: float = field(default_factory=time.monotonic)
    before: Record | None = None
    phase: str | None = None
    paused: float | None = None
    stopped: str | None = None
    unwritten: str | None = None

    def enter(self, phase: str, now: float) -> None:
        """Note a phase; the time-out does not count phases that are done once for all trials."""
        if self.paused is not None:
            self.started += now - self.paused
        self.phase, self.paused = phase, now if phase in UNTIMED_PHASES else None

    def overdue(self, timeout: float | None, now: float) -> bool:
        """Whether the time-out is over."""
        return timeout is not None and self.paused is None and now - self.started > timeout

    def end(self) -> ProcessEnd:
        """How the process ended, once it is gone."""
        counted_until = time.monotonic() if self.paused is None else self.paused
        seconds = counted_until - self.started
        return ProcessEnd(self.process.exitcode, self.stopped == TIMED_OUT, self.phase, seconds)


class LocalExecutor(Executor):
    """Runs each trial in a process of its own; a trial that leaves no record gets one with its error.

    Raises:
        UsageError: this process may not start others.
    """

    def __init__(self) -> None:
        if multiprocessing.current_process().daemon:
            raise UsageError(
                "the local executor starts a process for each trial, which a daemonic worker of multiprocessing (of a "
                'Pool, say) may not; use executor="inline" (--executor inline), or a worker that is not daemonic'
            )

    def prepare(self) -> None:
        """Start the server that trials are forked from: it imports torch meanwhile."""
        _context()

    def run(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, claims: Claims) -> bool:
        """See :class:`Executor`."""
        if not trials:
            return True
        store = Store(settings.results)
        store.prepare()
        context = _context()
        interruption = Interruption()
        with interruption.listening():
            for planned in claimed(trials, claims, on_event, lambda: interruption.count > 0):
                on_event(Event(planned.key, "started"))
                watch = _start(planned, settings, store, context)
                try:
                    _follow(watch, settings.timeout, on_event, interruption)
                finally:
                    _end(watch)
                if watch.unwritten:
                    raise StorageError(watch.unwritten)
                if watch.stopped == STOPPED_BY_USER:
                    return False
                record = left_record(planned, watch.end(), watch.before, settings, store)
                on_event(finished(planned, record, f"log: {shown(store.log_path(planned))}"))
        return interruption.count == 0


def _context() -> BaseContext:
    """A forkserver that has imported torch but not initialised a GPU; spawn where there can be none.

    A process that was forked from one with a forkserver cannot use it, nor start another.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hashbench.execution.worker"])
    # Started with Ctrl-C blocked, and so are its children: a terminal sends it to all of them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _same_imports():
            forkserver.ensure_running()
    except ChildProcessError:
        return multiprocessing.get_context("spawn")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


@contextlib.contextmanager
def _same_imports() -> Iterator[None]:
    """Inside, a new Python process has this one's import path, without the current folder."""
    ours = {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Inside, a new process does not import the caller's ``__main__`` again: trials do not need it.

    So ``hb.run`` works from a script that has no ``if __name__ == "__main__"``.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _start(planned: PlannedTrial, settings: Settings, store: Store, context: BaseContext) -> Watch:
    store.check_present()
    before = store.read(planned)
    store.log_path(planned).unlink(missing_ok=True)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(  # type: ignore[attr-defined]
        target=worker.main,
        args=(planned, settings, store.log_path(planned), sender, dict(os.environ)),
        name=f"hashbench {planned}",
    )
    with _without_main():
        process.start()
    sender.close()
    return Watch(planned, process, receiver, before=before)


def _follow(watch: Watch, timeout: float | None, on_event: OnEvent, interruption: Interruption) -> None:
    """Pass events on until the process is gone; stop it at its time-out or at the second Ctrl-C."""
    pipe_open = True
    while watch.process.is_alive() or pipe_open:
        ready = wait([watch.events] if pipe_open else [watch.process.sentinel], timeout=POLL_SECONDS)
        if pipe_open and watch.events in ready:
            pipe_open = _pass_on(watch, on_event)
        elif not watch.process.is_alive():
            break
        if watch.overdue(timeout, time.monotonic()):
            watch.stopped = TIMED_OUT
        if interruption.count > 1:
            watch.stopped = STOPPED_BY_USER
        if watch.stopped:
            break


def _pass_on(watch: Watch, on_event: OnEvent) -> bool:
    """Pass one event on; False at the end of the events."""
    try:
        event = watch.events.recv()
    except (EOFError, OSError):  # OSError: the process was killed in the middle of a message
        return False
    if event.kind == "unwritten":
        watch.unwritten = event.text
        return True
    if event.kind == "phase":
        watch.enter(event.text, time.monotonic())
    on_event(event)
    return True


def _end(watch: Watch) -> None:
    """Terminate, grace, kill; then kill whatever is left of the trial's process group."""
    if watch.process.is_alive():
        watch.process.terminate()
        watch.process.join(GRACE_SECONDS)
    if watch.process.is_alive():
        watch.process.kill()  # it may not lead a group yet
    assert watch.process.pid, "the trial's process was started; 0 would be this process's own group"
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(watch.process.pid, signal.SIGKILL)
    watch.process.join()
    watch.events.close()
