"""Inline: every trial in this process, one after the other; for debugging."""

from collections.abc import Sequence

from hashbench.errors import UsageError
from hashbench.execution.executor import Executor, Watcher
from hashbench.execution.trial import run_trial
from hashbench.records.trial_spec import Event, Job, Settings


class InlineExecutor(Executor):
    """No isolation: what ends a trial's process ends the grid, and nobody can stop a trial that hangs."""

    def run(self, jobs: Sequence[Job], settings: Settings, watcher: Watcher) -> bool:
        """See :class:`Executor`.

        Raises:
            UsageError: a time-out was asked for, which only a process of its own can keep.
        """
        if settings.timeout is not None:
            raise UsageError("--timeout needs a process per trial; use it with --executor local")
        for job in jobs:
            watcher(Event(job.key, "started"))
            try:
                record = run_trial(job, settings, watcher)
            except KeyboardInterrupt:
                return False
            watcher(Event(job.key, "finished", record["status"]))
        return True
