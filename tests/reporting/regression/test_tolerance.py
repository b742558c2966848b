"""Tolerances against simulation: how often they are passed by chance, and how often a drop is seen."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from hashbench.reporting.regression import tolerance

TRIALS = 40_000
Floats = npt.NDArray[np.float64]


def draws(old: int, new: int, deviation: float = 0.01, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Means and standard deviations of old values, and means of new ones, of many repetitions of the same thing."""
    generator = np.random.default_rng(seed)
    values = generator.normal(0.6, deviation, (TRIALS, old))
    return values.mean(1), values.std(1, ddof=1), generator.normal(0.6, deviation, (TRIALS, new)).mean(1)


@pytest.mark.parametrize(("old", "new"), [(3, 3), (5, 1), (10, 20), (20, 5)])
def test_unchanged_figures_pass_their_bound_as_often_as_stated(
    old: int, new: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tolerance, "FALSE_ALARM_RATE", 0.2)
    mean, deviation, now = draws(old, new)
    unit = tolerance.learn([0.0] * (old - 1) + [1.0], figures=4)  # proportional to the standard deviation
    allowed = tolerance.for_repetitions(unit, old, new) * deviation / np.std([0.0] * (old - 1) + [1.0], ddof=1)
    alarms = float((mean - now > allowed).mean())
    assert alarms == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / TRIALS))


def test_the_bound_is_that_of_a_t_interval() -> None:
    values = [0.60, 0.62, 0.61, 0.65]
    wanted = stats.t.ppf(1 - 0.001 / 7, 3) * np.std(values, ddof=1) * np.sqrt(1 / 4 + 1 / 9)
    assert tolerance.for_repetitions(tolerance.learn(values, 7), 4, 9) == pytest.approx(wanted)


def test_the_repetitions_needed_show_the_drop_and_fewer_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tolerance, "POWER", 0.9)
    old, deviation, figures = 12, 0.012, 3
    values = list(np.random.default_rng(1).normal(0.6, 1, old))
    values = list((np.array(values) - np.mean(values)) * deviation / np.std(values, ddof=1))
    needed = tolerance.repetitions_needed(values, figures)
    assert needed is not None
    assert needed > 1

    def power(new: int) -> float:
        mean, spread, now = draws(old, new, deviation)
        allowed = stats.t.ppf(1 - 0.001 / figures, old - 1) * spread * np.sqrt(1 / old + 1 / new)
        return float((mean - (now - 0.03) > allowed).mean())

    error = 4 * np.sqrt(0.09 / TRIALS)
    assert power(needed) > 0.9 - error
    assert power(needed - 1) < 0.9 + error


def test_where_the_baseline_has_too_few_both_sides_need_more() -> None:
    wide = [0.5, 0.53, 0.55, 0.6]
    assert tolerance.repetitions_needed(wide, 10) is None
    both = tolerance.repetitions_on_both_sides(0.01, 10)
    assert both is not None
    exact = [0.6 + 0.01 * x for x in stats.zscore(np.arange(both), ddof=1)]
    assert (tolerance.repetitions_needed(exact, 10) or 0) <= both
    assert tolerance.repetitions_on_both_sides(1.0, 10) is None


def test_values_without_a_spread_need_one_repetition() -> None:
    assert tolerance.learn([0.5, 0.5], 3) == 0
    assert tolerance.repetitions_needed([0.5, 0.5], 3) == 1
