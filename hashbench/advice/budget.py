"""The time that may be spent, and the lines that show it."""

from collections.abc import Callable
from time import monotonic

from hashbench.util.progress import Log


class Budget:
    """Counts the seconds since it was made.

    Args:
        seconds: that may be spent.
        log: gets lines of progress, with the time in front.
        clock: returns seconds, like time.monotonic.
    """

    def __init__(self, seconds: float, log: Log, clock: Callable[[], float] = monotonic) -> None:
        self.seconds, self._log, self.clock = seconds, log, clock
        self.started = clock()

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self.clock() - self.started

    def left(self, until: float = 1.0) -> float:
        """Seconds left of a share of the budget, 0 or less where it is over."""
        return until * self.seconds - self.spent

    def log(self, line: str) -> None:
        """Log a line of progress."""
        self._log(f"[{self.spent:.0f} of {self.seconds:.0f} s] {line}")
