"""The contract of an executor."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from hashbench.execution.events import Event
from hashbench.execution.settings import Settings
from hashbench.records.trial_spec import PlannedTrial

OnEvent = Callable[[Event], None]


class Executor(ABC):
    """Runs jobs so that each leaves a record, whatever happens to it."""

    @abstractmethod
    def run(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent) -> bool:
        """Run all jobs and tell ``on_event`` what happens, from this thread.

        Returns:
            False when the user interrupted the grid, so that jobs are left.
        """
