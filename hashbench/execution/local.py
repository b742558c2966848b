"""The local executor: a fresh process per trial, as many at a time as there are slots, watched from outside."""

import multiprocessing
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext

from hashbench.errors import StorageError, UsageError
from hashbench.execution.claimed_schedule import ClaimedSchedule
from hashbench.execution.claims import Claims
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.executor import Executor
from hashbench.execution.fork_server import process_context
from hashbench.execution.interruption import Interruption
from hashbench.execution.outcome import (
    OUT_OF_MEMORY,
    STOPPED_BY_USER,
    TIMED_OUT,
    finished,
    left_record,
    status_and_message,
)
from hashbench.execution.rates import measure_trial, no_rates
from hashbench.execution.schedule import Schedule
from hashbench.execution.settings import Settings
from hashbench.execution.slots import Slot
from hashbench.execution.trial import run_trial
from hashbench.execution.trial_process import TrialProcess, start
from hashbench.execution.worker import Work
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.paths import shown

POLL_SECONDS = 0.2
MEMORY_SECONDS = 0.1  # between two looks at the memory of trials


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
        process_context()

    def run(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, claims: Claims) -> bool:
        """See :class:`Executor`."""
        if not trials:
            return True
        return TrialGrid(trials, settings, on_event, claims).carry_out()

    def measure(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent) -> bool:
        """See :class:`Executor`."""
        if not trials:
            return True
        return RatesGrid(trials, settings, on_event).carry_out()


class ProcessGrid:
    """Work on trials, each in a process of its own, from the first start until all have ended.

    Args:
        trials: what is to be worked on.
        settings: of the run.
        on_event: gets all events, from the thread that calls :meth:`carry_out`.
        slots: where the processes run.
    """

    work: Work

    def __init__(
        self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, slots: Sequence[Slot]
    ) -> None:
        self.settings, self.on_event = settings, on_event
        self.store = Store(settings.results)
        self.schedule: Schedule = Schedule(trials)
        self.free, self.running = list(slots), list[TrialProcess]()
        self.interruption = Interruption()
        self._next_look = 0.0

    def carry_out(self) -> bool:
        """Work on all; False when the user interrupted.

        Raises:
            StorageError: the result folder cannot be written; what ran was stopped.
        """
        self.store.prepare()
        context, interruption = process_context(), self.interruption
        with interruption.listening():
            try:
                while True:
                    if not interruption.count:
                        self._fill(context)
                    if self.running:
                        self._follow(stop_all=interruption.count > 1)
                    elif interruption.count or not self.schedule.waits():
                        return interruption.count == 0
                    else:
                        time.sleep(POLL_SECONDS)
            finally:
                for process in self.running:
                    process.stop(STOPPED_BY_USER)
                for process in self.running:
                    process.clean_up()

    def ended(self, process: TrialProcess) -> None:
        """Do what is left to do when a process has ended that nobody interrupted."""
        raise NotImplementedError

    def _fill(self, context: BaseContext) -> None:
        while self.free and (planned := self.schedule.next()) is not None:
            self.store.check_present()
            slot = self.free.pop(0)
            self.begin(planned)
            self.running.append(start(planned, self.work, self.settings, slot, self.store, context))

    def begin(self, planned: PlannedTrial) -> None:
        """Do what comes before a process starts."""
        raise NotImplementedError

    def _follow(self, stop_all: bool) -> None:
        """Pass on what running processes report; stop those that take too long or too much, note those that ended."""
        now = time.monotonic()
        look = self.settings.memory is not None and now >= self._next_look
        if look:
            self._next_look = now + MEMORY_SECONDS
        for process in self.running:
            if stop_all:
                process.stop(STOPPED_BY_USER)
            elif process.overdue(self.settings.timeout, now):
                process.stop(TIMED_OUT)
            elif look and process.takes_more_than(self.settings.memory or 0):
                process.stop(OUT_OF_MEMORY)
        channels = {
            process.events if process.pipe_open else process.process.sentinel: process for process in self.running
        }
        pause = POLL_SECONDS if self.settings.memory is None else MEMORY_SECONDS
        ready = {id(channels[channel]) for channel in wait(list(channels), timeout=pause)}  # type: ignore[index]
        for process in list(self.running):
            if process.pipe_open and id(process) in ready:
                self._pass_on(process)
            elif process.gone() and not (process.pipe_open and process.events.poll()):
                self._end(process)

    def _pass_on(self, process: TrialProcess) -> None:
        event = process.read_event()
        if event is None:
            return
        if event.kind == "phase":
            self.schedule.entered(event.key, event.text)
        self.on_event(event)

    def _end(self, process: TrialProcess) -> None:
        process.clean_up()
        self.running.remove(process)
        self.schedule.ended(process.planned.key)
        self.free.append(process.slot)
        if process.unwritten:
            raise StorageError(process.unwritten)
        if not self._ended_by_user(process):
            self.ended(process)

    def _ended_by_user(self, process: TrialProcess) -> bool:
        """Whether the user, or the end of a job, stopped it: a scheduler's SIGTERM may reach it before this process."""
        if process.stopped is None and process.process.exitcode == -signal.SIGTERM:
            time.sleep(POLL_SECONDS)
            return self.interruption.count > 1
        return process.stopped == STOPPED_BY_USER


class TrialGrid(ProcessGrid):
    """Trials in the slots of the settings, of which each leaves a record."""

    work = staticmethod(run_trial)

    def __init__(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, claims: Claims) -> None:
        super().__init__(trials, settings, on_event, settings.slots)
        self.schedule = ClaimedSchedule(trials, claims, on_event)

    def begin(self, planned: PlannedTrial) -> None:
        """Make room for the trial's log."""
        self.store.log_path(planned).unlink(missing_ok=True)
        self.on_event(Event(planned.key, "started"))

    def ended(self, process: TrialProcess) -> None:
        """Make sure that there is a record."""
        planned = process.planned
        record = left_record(planned, process.end(), process.before, self.settings, self.store)
        self.on_event(finished(planned, record, f"log: {shown(self.store.log_path(planned))}"))


class RatesGrid(ProcessGrid):
    """Rates of trials, one after the other."""

    work = staticmethod(measure_trial)

    def __init__(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent) -> None:
        super().__init__(trials, settings, on_event, [replace(settings.slots[0], threads=settings.threads)])
        self.numbers = {planned.key: number for number, planned in enumerate(trials, start=1)}

    def begin(self, planned: PlannedTrial) -> None:
        """Tell how far the phase is."""
        self.on_event(Event(planned.key, "rates", done=self.numbers[planned.key], total=len(self.numbers)))

    def ended(self, process: TrialProcess) -> None:
        """Note a process that was stopped, or ended before its work was done."""
        end = process.end()
        if end.exit_code != 0:
            _, why = status_and_message(end, self.settings)
            self.on_event(Event(process.planned.key, "note", no_rates(process.planned, why)))
