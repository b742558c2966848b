"""The contract of an executor."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from hashbench.execution.claims import Claims
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.rates import measure_trial
from hashbench.execution.settings import Settings
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.threads import limited_threads


class Executor(ABC):
    """Runs trials so that each leaves a record, whatever happens to it.

    Attributes:
        isolates: it runs trials in processes of their own, so that it can run several at once, and stop one that takes
            longer than ``settings.timeout`` or more than ``settings.memory``.
        takes_address: ``settings.address`` may say where it runs trials.
    """

    isolates: ClassVar[bool] = True
    takes_address: ClassVar[bool] = False

    def check(self, settings: Settings) -> None:  # noqa: B027 - an executor may keep all settings
        """Check that it can keep these settings.

        Raises:
            UsageError: it cannot.
        """

    def prepare(self) -> None:  # noqa: B027 - an executor may have nothing to prepare
        """Begin what trials need and what takes time, while the plan is made; :meth:`run` does without it as well."""

    @abstractmethod
    def run(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, claims: Claims) -> bool:
        """Run all trials that ``claims`` leaves to this run, and call ``on_event`` with each event.

        A trial is started after ``claims.claim`` has said "run", and only then: :func:`claimed` does so for an executor
        that runs one after the other. Events come from the caller's thread.

        Returns:
            False when the user interrupted the grid, so that trials are left.

        Raises:
            StorageError: a record, or something else of a trial, cannot be written; trials are left.
        """

    def measure(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent) -> bool:
        """Measure the rates of trials that have ended, one after the other; here, in this process.

        An event "rates" with its number comes before each.

        Returns:
            False when the user interrupted.

        Raises:
            StorageError: rates cannot be written.
        """
        with limited_threads(settings.threads):
            for number, planned in enumerate(trials, start=1):
                on_event(Event(planned.key, "rates", done=number, total=len(trials)))
                try:
                    measure_trial(planned, settings, on_event)
                except KeyboardInterrupt:
                    return False
        return True
