"""Which of the trials that wait may start, so that none makes what another one makes at that moment."""

from collections.abc import Hashable, Sequence

from hashbench.execution.nested import longest_trial
from hashbench.execution.ranked_again import by_distance
from hashbench.records.trial_spec import PlannedTrial

# What a trial makes, or finds, for all trials on the same data and features; and then what it makes for itself.
MAKING = ("features", "neighbours", "maps")


class Schedule:
    """Trials that wait, in the order in which they were planned.

    What several trials need (features, neighbours, maps of frozen blocks) is made by the first of them, and the others
    start when it is there. A trial that takes over what another one of these fitted starts when that one has ended.

    Args:
        trials: what is to be run.
    """

    def __init__(self, trials: Sequence[PlannedTrial]) -> None:
        self.waiting = {planned.key: planned for planned in trials}
        self._fitted_by = {
            key: other.key for key, planned in self.waiting.items() if (other := _fitted_by(planned)) is not None
        }
        self._running: dict[str, PlannedTrial] = {}
        self._phases: dict[str, str] = {}
        self._made: set[Hashable] = set()

    def next(self) -> PlannedTrial | None:
        """The first trial that may start now, which counts as running from now on; None where there is none."""
        making = {needs(planned) for planned in self._running.values()} - self._made
        for key, planned in self.waiting.items():
            before = self._fitted_by.get(key)
            if needs(planned) not in making and before not in self.waiting and before not in self._running:
                self._running[key] = self.waiting.pop(key)
                return planned
        return None

    def waits(self) -> bool:
        """Whether trials are left that may start later, though none of these runs."""
        return False

    def put_back(self, trials: Sequence[PlannedTrial]) -> None:
        """Let trials wait again that were taken and not started."""
        self.waiting |= {planned.key: planned for planned in trials}

    def entered(self, key: str, phase: str) -> None:
        """Note the phase of a running trial: one that has gone through those in which things are made has made them."""
        if key in self._running and self._phases.get(key) in MAKING and phase not in MAKING:
            self._made.add(needs(self._running[key]))
        self._phases[key] = phase

    def ended(self, key: str) -> None:
        """Note that a running trial has ended."""
        self._running.pop(key, None)
        self._phases.pop(key, None)


def needs(planned: PlannedTrial) -> Hashable:
    """What trials have in common that need the same features, neighbours and decoded images."""
    trial = planned.trial
    return planned.dataset_spec, trial.features, trial.features_dtype, trial.neighbours


def _fitted_by(planned: PlannedTrial) -> PlannedTrial | None:
    """The trial whose fitted method this one takes where it is kept."""
    return by_distance(planned) or longest_trial(planned)
