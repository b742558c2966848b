"""The contract of an executor."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from hashbench.records.trial_spec import Event, Job, Settings

Watcher = Callable[[Event], None]


class Executor(ABC):
    """Runs jobs so that each leaves a record, whatever happens to it."""

    @abstractmethod
    def run(self, jobs: Sequence[Job], settings: Settings, watcher: Watcher) -> bool:
        """Run all jobs and tell ``watcher`` what happens, from this thread.

        Returns:
            False when the user interrupted the grid, so that jobs are left.
        """
