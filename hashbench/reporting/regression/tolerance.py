"""How far a figure may fall behind its baseline, learned from the spread over seeds."""

import math
import statistics
from collections.abc import Sequence

SAME_RUNS_TOLERANCE = 0.002
"""What the same seeds may differ by under the same hardware and versions; no tolerance is below it."""

DETERMINISTIC_TOLERANCE = 0.005
"""What a deterministic method may differ by under other hardware or versions.

By the methods' contract one bit of 10,000 may be another one there. In ITQ's codes of digits such flips moved mAP@1000,
mAP@all and precision@100 by .0012 at most (60 draws, 16 and 32 bits).
"""

FALSE_ALARM_RATE = 0.001
"""Share of checks that fail though nothing has changed but the seeds, at most, over all figures of a baseline."""

DROP = 0.03
"""The drop of mAP@1000 that the gate should detect."""

POWER = 0.999
"""The probability with which the gate should detect it."""

MAX_REPETITIONS = 200


def learn(values: Sequence[float], figures: int) -> float:
    """How far the mean of as many new seeds may fall behind the mean of these, 2 or more.

    The bound of a one-sided prediction interval by Student's t (Hahn and Meeker, Statistical Intervals, 1991, section
    4.8), t * sd * sqrt(1 / m + 1 / n) for m old and n new values, here n = m. It is exceeded by chance once in
    ``figures`` / :data:`FALSE_ALARM_RATE` times, so all figures of a check together keep to that rate.
    """
    count = len(values)
    return float(_quantile(count, figures) * statistics.stdev(values) * math.sqrt(2 / count))


def for_repetitions(tolerance: float, old: int, new: int) -> float:
    """The tolerance for the mean of ``new`` values, from that which :func:`learn` gave for ``old`` values."""
    return tolerance * math.sqrt((1 / old + 1 / new) / (2 / old))


def repetitions_needed(values: Sequence[float], figures: int) -> int | None:
    """How many new seeds show a drop by :data:`DROP` with :data:`POWER`; None where none of up to 200 do.

    Then the baseline itself has too few, see :func:`repetitions_on_both_sides`.
    """
    count, deviation = len(values), statistics.stdev(values)
    fitting = (new for new in range(1, MAX_REPETITIONS + 1) if _power(deviation, count, new, figures) >= POWER)
    return next(fitting, None)


def repetitions_on_both_sides(deviation: float, figures: int) -> int | None:
    """How many seeds, in the baseline and as many new ones, show such a drop; None beyond 200."""
    counts = range(2, MAX_REPETITIONS + 1)
    return next((count for count in counts if _power(deviation, count, count, figures) >= POWER), None)


def _quantile(count: int, figures: int) -> float:
    from scipy import stats  # half a second, which only a new baseline needs

    return float(stats.t.ppf(1 - FALSE_ALARM_RATE / figures, count - 1))


def _power(deviation: float, old: int, new: int, figures: int) -> float:
    """How often a drop by DROP passes the bound, by the noncentral t distribution."""
    if deviation == 0:
        return 1.0
    from scipy import stats  # as above

    shift = DROP / (deviation * math.sqrt(1 / old + 1 / new))
    return float(stats.nct.sf(_quantile(old, figures), old - 1, shift))
