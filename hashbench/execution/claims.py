"""Claims on trials: of several runs on one result folder, each trial is started by one, and once."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from hashbench.execution.events import Event, OnEvent
from hashbench.records.store import ENDED_WELL, Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.lease import Candidate, Lease, remove_gone

POLL_SECONDS = 0.5
RUN_PREFIX = "run-"  # of the lease that a run holds on itself, so that `hashbench status` sees it
RATES_LEASE = "rates"  # of the lease of the run that measures: one at a time

Claim = Literal["run", "recorded", "held"]
"""What is to be done about a trial: run it; nothing, it got its record meanwhile; ask again, another run is at it."""


class Claims:
    """The leases of a run: one on each trial that it is running, and one on itself.

    Used as a context, at the end of which all are released. A run that was killed holds none: see
    :mod:`hashbench.util.lease`.

    Args:
        store: the result folder, whose folders are there.
        before: when the record of each trial was made that the plan found, by key; None where it found none.
        about: what is said of the run to those who read its lease.
    """

    def __init__(self, store: Store, before: Mapping[str, str | None], about: Mapping[str, Any]) -> None:
        self.store, self.before, self.about = store, before, {**about, "ended": 0, "failed": 0}
        self._candidates: dict[str, Candidate] = {}
        self._held: dict[str, Lease] = {}
        self._run: Lease | None = None

    def __enter__(self) -> Self:
        remove_gone(self.store.leases, RUN_PREFIX)
        self._run = Candidate(self.store.leases, f"{RUN_PREFIX}{secrets.token_hex(4)}").take(self.about)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for lease in [*self._held.values(), *([self._run] if self._run else [])]:
            lease.release()
        self._held, self._run = {}, None

    def claim(self, planned: PlannedTrial) -> Claim:
        """Take the lease of a trial, unless another run has it or the trial has a record that the plan did not know.

        After "run", a "finished" event in :meth:`note` gives the lease up.

        Raises:
            StorageError: the folder of leases cannot be written.
        """
        if self.new_status(planned) is not None:
            return "recorded"
        candidate = self._candidates.setdefault(planned.key, Candidate(self.store.leases, planned.key))
        lease = candidate.take({"trial": str(planned)})
        if lease is None:
            return "held"
        if self.new_status(planned) is not None:  # made between the two looks
            lease.release()
            return "recorded"
        self._held[planned.key] = lease
        return "run"

    def new_status(self, planned: PlannedTrial) -> str | None:
        """The status of the trial's record where that was made after the plan; None where there is no such record."""
        record = self.store.read(planned)
        if record is None or record["provenance"]["created"] == self.before.get(planned.key):
            return None
        return str(record["status"])

    def holder(self, planned: PlannedTrial) -> str:
        """Who was seen to run a trial whose claim is "held"."""
        return str(self._candidates[planned.key].holder or "another process")

    def note(self, event: Event) -> None:
        """Note how far a trial is, for those who read its lease; one that has finished is released."""
        if event.kind in ("finished", "recorded"):
            self._count(event.text)
            if lease := self._held.pop(event.key, None):
                lease.release()
        elif (lease := self._held.get(event.key)) and event.kind in ("phase", "epoch"):
            if event.kind == "phase":
                changed: dict[str, Any] = {"phase": event.text, "done": None, "total": None}
            else:
                changed = {"done": event.done, "total": event.total}
            lease.about = {**lease.about, **changed}

    def _count(self, status: str) -> None:
        """Note in the run's own lease that a trial has ended."""
        self.about |= {"ended": self.about["ended"] + 1, "failed": self.about["failed"] + (status not in ENDED_WELL)}
        if self._run is not None:
            self._run.about = dict(self.about)


def claimed(
    trials: Sequence[PlannedTrial], claims: Claims, on_event: OnEvent, stopped: Callable[[], bool] = lambda: False
) -> Iterator[PlannedTrial]:
    """The trials that this run has to run, each when its lease is this run's.

    Those of other runs come last, and are waited for: a run that dies leaves them. Sends "recorded" for each that
    another run made, and a note before it waits.

    Args:
        trials: in the order wanted.
        claims: of this run.
        on_event: gets the events.
        stopped: whether no further trial is wanted.
    """
    left, noted = list(trials), False
    while left:
        held = list[PlannedTrial]()
        for planned in left:
            if stopped():
                return
            claim = claims.claim(planned)
            if claim == "run":
                yield planned
            elif claim == "held":
                held.append(planned)
            else:
                on_event(Event(planned.key, "recorded", claims.new_status(planned) or ""))
        if stopped():
            return
        if len(held) == len(left):  # nothing but to wait
            if not noted:
                on_event(Event(held[0].key, "note", waiting_for(held, claims)))
            noted = True
            time.sleep(POLL_SECONDS)
        left = held


def waiting_for(held: Sequence[PlannedTrial], claims: Claims) -> str:
    """The line on trials that other runs have, which are waited for."""
    others = f" and {len(held) - 1:,} more" if len(held) > 1 else ""
    return f"waiting for {claims.holder(held[0])}, which runs {held[0]}{others}"
