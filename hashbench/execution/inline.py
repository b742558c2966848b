"""Inline: every trial in this process, one after the other; for debugging."""

from collections.abc import Sequence

from hashbench.execution.claims import Claims, claimed
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.executor import Executor
from hashbench.execution.outcome import finished
from hashbench.execution.settings import Settings
from hashbench.execution.trial import run_trial
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.threads import limited_threads


class InlineExecutor(Executor):
    """Runs each trial in this process: a crash ends the grid, and a trial that hangs cannot be stopped."""

    isolates = False

    def run(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, claims: Claims) -> bool:
        """See :class:`Executor`."""
        store = Store(settings.results)
        if trials:
            store.prepare()
        with limited_threads(settings.threads):
            for planned in claimed(trials, claims, on_event):
                store.check_present()
                on_event(Event(planned.key, "started"))
                try:
                    record = run_trial(planned, settings, on_event)
                except KeyboardInterrupt:
                    return False
                on_event(finished(planned, record, "traceback above"))
        return True
