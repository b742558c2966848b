"""Logs progress: items done, rate and time left."""

import sys
import time
from collections.abc import Callable

Log = Callable[[str], None]  # gets a line

SECONDS_BETWEEN = 5.0


def log_to_stderr(line: str) -> None:
    """Print a line to standard error."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def no_log(line: str) -> None:
    """Ignore a line."""


class Progress:
    """Counts items and logs lines like "12,288 of 60,000 images, 652/s, 1 min 13 s left" every few seconds.

    Args:
        total: number of items to do.
        log: gets the lines.
        noun: the items' name in the lines.
        clock: returns seconds, like time.monotonic.
    """

    def __init__(
        self,
        total: int,
        log: Callable[[str], None],
        noun: str = "images",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.log, self.noun, self.clock = total, log, noun, clock
        self.count = 0
        self.started = self.last_log = clock()

    def done(self, items: int) -> None:
        """Count ``items`` more; logs a line if the last one is five seconds old."""
        self.count += items
        now = self.clock()
        if self.count < self.total and now - self.last_log >= SECONDS_BETWEEN:
            self.last_log = now
            rate = self.count / (now - self.started)
            left = duration((self.total - self.count) / rate)
            self.log(f"{self.count:,} of {self.total:,} {self.noun}, {rate:,.0f}/s, {left} left")

    def summary(self) -> str:
        """A line about the whole: "60,000 images in 1 min 32 s, 652/s"."""
        seconds = max(self.clock() - self.started, 1e-9)
        return f"{self.count:,} {self.noun} in {duration(seconds)}, {self.count / seconds:,.0f}/s"


def duration(seconds: float) -> str:
    """Seconds in words: "9 s", "1 min 13 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
