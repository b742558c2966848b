"""The schedule of a run that may not be alone on its folder: trials that no other run has come first."""

import time
from collections.abc import Sequence

from hashbench.execution.claims import POLL_SECONDS, Claims, waiting_for
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.schedule import Schedule
from hashbench.records.trial_spec import PlannedTrial


class ClaimedSchedule(Schedule):
    """Trials that wait, each of which this run takes the lease of before it starts.

    Those that another run has are asked for again when all others have started.

    Args:
        trials: what is to be run.
        claims: of the run.
        on_event: gets "recorded" for each trial that another run made, and a note where this one waits for it.
    """

    def __init__(self, trials: Sequence[PlannedTrial], claims: Claims, on_event: OnEvent) -> None:
        super().__init__(trials)
        self.claims, self.on_event, self.held = claims, on_event, list[PlannedTrial]()
        self._next_claim, self._noted = 0.0, False

    def next(self) -> PlannedTrial | None:
        """The first trial that may start now and that no other run has."""
        if not self.waiting and self.held and time.monotonic() >= self._next_claim:
            self._next_claim = time.monotonic() + POLL_SECONDS
            self.put_back(self.held)
            self.held = []
        while (planned := super().next()) is not None:
            claim = self.claims.claim(planned)
            if claim == "run":
                return planned
            self.ended(planned.key)
            if claim == "held":
                self.held.append(planned)
            else:
                self.on_event(Event(planned.key, "recorded", self.claims.new_status(planned) or ""))
        return None

    def waits(self) -> bool:
        """Whether another run has trials of this one, which it may leave."""
        if self.held and not self._noted:
            self.on_event(Event(self.held[0].key, "note", waiting_for(self.held, self.claims)))
            self._noted = True
        return bool(self.held)
