"""Progress of a grid as plain lines, and the time that is left."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable

from hashbench.execution.events import Event
from hashbench.planning.plan import Plan
from hashbench.records.store import ENDED_WELL
from hashbench.util.progress import Log, duration, log_to_stderr

SECONDS_BETWEEN_EPOCHS = 30.0
MAX_LOSSES = 3


class GridProgress:
    """Counts the trials of a plan as they end.

    Args:
        plan: the plan.
        clock: returns seconds, like time.monotonic.

    Attributes:
        total, ended: trials to run, and how many of them have ended.
        failed: how many of these did not end well.
        seconds: that the last trial took.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.waiting = {planned.key: planned for planned in plan.to_run()}  # or run
        self.total, self.ended, self.failed, self.seconds = len(self.waiting), 0, 0, 0.0
        self._expected = {entry.planned.key: entry.seconds for entry in plan.entries if entry.seconds is not None}
        self._took: dict[str, list[float]] = defaultdict(list)  # seconds of ended trials by method
        self._started: dict[str, float] = {}  # when running trials did

    @property
    def count(self) -> str:
        """How many have ended: "[3/12]"."""
        return f"[{self.ended}/{self.total}]"

    def __call__(self, event: Event) -> None:
        """Note the start or the end of a trial."""
        if event.kind == "started":
            self._started[event.key] = self.clock()
        elif event.kind in ("recorded", "finished") and (planned := self.waiting.pop(event.key, None)) is not None:
            self.ended += 1
            self.failed += event.text not in ENDED_WELL
            if event.kind == "finished":
                self.seconds = self.clock() - self._started.pop(event.key)
                self._took[planned.trial.method].append(self.seconds)

    def left(self) -> str:
        """The time left, "1 min 20 s left"; nothing while nothing is known of it, or after the last trial.

        Trials are taken to last as long as those of their method so far; where there are none, as long as earlier
        records of their kind say; else as long as all so far; and to go on side by side as many as run now.
        """
        everything = [seconds for took in self._took.values() for seconds in took]
        if not self.waiting or not (everything or self.waiting.keys() <= self._expected.keys()):
            return ""
        mean = sum(everything) / max(1, len(everything))
        means = {method: sum(took) / len(took) for method, took in self._took.items()}
        each = {
            key: means.get(planned.trial.method, self._expected.get(key, mean)) for key, planned in self.waiting.items()
        }
        gone = sum(min(self.clock() - start, each[key]) for key, start in self._started.items() if key in each)
        return f"{duration((sum(each.values()) - gone) / max(1, len(self._started)))} left"


class Lines:
    """Logs a line when a trial ends, for each of its notes, and for its epochs twice a minute at most.

    Args:
        plan: the plan.
        log: gets the lines.
        clock: returns seconds, like time.monotonic.
    """

    def __init__(self, plan: Plan, log: Log = log_to_stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self.names = {entry.planned.key: str(entry.planned) for entry in plan.entries}
        self.log, self.clock, self.trials = log, clock, GridProgress(plan, clock)
        self._last_epoch = clock()

    def __call__(self, event: Event) -> None:
        """Log the event."""
        self.trials(event)
        if event.kind == "started":
            self._last_epoch = self.clock()
        elif event.kind in ("note", "warning"):
            self.log(event.text)
        elif event.kind == "rates" and event.done == 1:
            self.log(rates_text(event))
        elif event.kind == "epoch" and self.clock() - self._last_epoch >= SECONDS_BETWEEN_EPOCHS:
            self._last_epoch = self.clock()
            self.log(f"{self.names[event.key]}: {epoch_text(event)}")
        elif event.kind in ("recorded", "finished"):
            self._log_end(event)

    def _log_end(self, event: Event) -> None:
        trial = f"{self.trials.count} {self.names[event.key]}"
        if event.kind == "recorded":
            self.log(f"{trial}: {event.text}, made by another run")
            return
        left = self.trials.left()
        self.log(f"{trial}: {outcome(event)}, {self.trials.seconds:.1f} s" + (f"; {left}" if left else ""))


def header(plan: Plan) -> list[str]:
    """Lines on what the plan leaves out, and on trials that have their record."""
    kept = [entry for entry in plan.entries if not entry.run]
    lines = [*plan.notes, *(f"kept  {entry.planned}: {entry.reason}" for entry in kept if entry.state != "done")]
    return [*lines, f"{len(kept)} of {len(plan.entries)} trials have their record already"] if kept else lines


def outcome(event: Event) -> str:
    """The status of a trial that has ended, with the reason where it is not "ok"."""
    return f"{event.text}: {event.reason}" if event.reason else event.text


def epoch_text(event: Event) -> str:
    """An epoch in words, "fit 3 of 12, loss 0.31", with three losses at most."""
    losses = [f"{name} {value:.3g}" for name, value in event.values.items()][:MAX_LOSSES]
    return ", ".join([f"fit {event.done:,} of {event.total:,}", *losses])


def rates_text(event: Event) -> str:
    """How far the measuring of rates is, in words."""
    return f"rates of encoding and search, {event.done} of {event.total}, one after the other"


def is_watched() -> bool:
    """Whether someone sees what is printed as it comes: on a terminal, or in a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
