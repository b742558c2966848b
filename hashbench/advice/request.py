"""What is asked for: the target, the time, how many candidates are rescored."""

import re
from dataclasses import dataclass
from typing import Self

from hashbench.errors import UsageError, unknown
from hashbench.evaluation.headline import NEIGHBOURS_RANKS
from hashbench.util.numbers import INT64, whole_number

TARGET, BUDGET = "neighbours/recall@10=0.95", "10m"
MOST_MULTIPLE = 100  # m beyond which rescoring is no saving any more, where none is named
LARGEST_MULTIPLE = 200
LEAST_SECONDS = 10
_METRICS = {f"neighbours/recall@{k}": k for k in NEIGHBOURS_RANKS}
_UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        k: how many of the nearest are to be kept.
        share: of them, in (0, 1].
        candidates: m, where it is given: k m candidates are rescored; None to find the smallest.
        budget: seconds.
        seed: root of all draws.
    """

    k: int
    share: float
    candidates: int | None
    budget: float
    seed: int

    @property
    def most(self) -> int:
        """The largest m that is looked at."""
        return self.candidates or MOST_MULTIPLE

    @classmethod
    def parse(cls, target: str, budget: str | float, candidates: int | None, seed: int) -> Self:
        """The request of the command line's options.

        Raises:
            UsageError: one of them is not what it should be.
        """
        k, share = parse_target(target)
        if candidates is not None:
            candidates = whole_number("candidates", candidates, 1, LARGEST_MULTIPLE)
        root = whole_number("seed", seed, -INT64, INT64 - 1, "a whole number of at most 64 bits")
        return cls(k, share, candidates, parse_budget(budget), root)


def parse_target(text: str) -> tuple[int, float]:
    """K and the share of "neighbours/recall@10=0.95".

    Raises:
        UsageError: another metric, or a share that is not above 0 and at most 1.
    """
    metric, mark, value = text.partition("=")
    if metric not in _METRICS:
        raise unknown("target metric", metric, _METRICS)
    try:
        share = float(value)
    except ValueError:
        share = 0.0
    if not (mark and 0 < share <= 1):
        raise UsageError(f"target is {text!r}, wanted a share above 0 and at most 1, say {metric}=0.95")
    return _METRICS[metric], share


def parse_budget(given: str | float) -> float:
    """Seconds of "10m", "90s", "1h" or a number of seconds.

    Raises:
        UsageError: it is none of these, or less than any candidate takes.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", str(given).strip())
    if not found:
        raise UsageError(f"budget is {given!r}, wanted a time such as 90s, 10m or 1h")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds < LEAST_SECONDS:
        raise UsageError(
            f"budget is {given}, which is too little to try anything; wanted {LEAST_SECONDS}s or more, say 2m"
        )
    return seconds
