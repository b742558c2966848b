"""What other programs take of the cores that this process may use: times that were measured meanwhile mean little."""

import os
import time
from dataclasses import dataclass, field

from hashbench.execution.process_tree import PROC, descendants
from hashbench.util.threads import usable_cores

SHORTEST = 0.1  # seconds: the system counts in hundredths


@dataclass(frozen=True)
class OtherWork:
    """Counts from the moment that it is made, by Linux's /proc.

    A program is another one if neither this process nor one of its descendants runs it.
    """

    began: float = field(default_factory=time.monotonic)
    busy: float | None = field(default_factory=lambda: _seconds_of_all())
    own: float = field(default_factory=lambda: _own_seconds())

    def cores(self) -> float | None:
        """How many cores others kept busy in the mean; None where the system does not say, or too little time passed.

        Returns:
            at least 0, at most the number of cores that this process may use.
        """
        elapsed, busy = time.monotonic() - self.began, _seconds_of_all()
        if self.busy is None or busy is None or elapsed < SHORTEST:
            return None
        others = (busy - self.busy) - (_own_seconds() - self.own)
        return min(max(others / elapsed, 0.0), float(usable_cores()))


def _seconds_of_all() -> float | None:
    """Seconds that the cores which this process may use were busy, since the system started."""
    try:
        lines = (PROC / "stat").read_text().splitlines()
    except OSError:
        return None
    usable = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    ticks = 0
    for name, *counts in (line.split() for line in lines):
        if name in usable:
            user, nice, system, _, _, interrupts, soft, stolen = map(int, counts[:8])
            ticks += user + nice + system + interrupts + soft + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    """Processor seconds of this process and its descendants, those that have ended included."""
    times = os.times()
    running = sum(_seconds_of(pid) for pid in descendants(os.getpid())[1:])
    return times.user + times.system + times.children_user + times.children_system + running


def _seconds_of(pid: int) -> float:
    try:
        words = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
