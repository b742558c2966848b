"""What may start beside what."""

from dataclasses import replace

import pytest

from hashbench.execution.schedule import Schedule
from hashbench.records.trial_spec import PlannedTrial, TrialSpec

BASE = PlannedTrial(
    TrialSpec(
        method="lsh",
        parameters={},
        bits=8,
        dataset="digits",
        protocol="digits/holdout-200",
        features="pixels",
        features_dtype="float32",
        features_weights=None,
        backbones={},
        preset=None,
        limit=None,
        repetition=0,
        seed=0,
    ),
    {},
    {},
    "digits",
)


def trial(bits: int, longest: int | None = None, spec: str = "digits", **identity: object) -> PlannedTrial:
    return replace(BASE, trial=replace(BASE.trial, bits=bits, **identity), longest=longest, dataset_spec=spec)  # type: ignore[arg-type]


def bits(schedule: Schedule) -> list[int | None]:
    """Code lengths of the trials that may start now, in their order."""
    started = []
    while (planned := schedule.next()) is not None:
        started.append(planned.trial.bits)
    return started


def test_one_makes_what_all_need_and_the_others_start_when_it_is_there() -> None:
    trials = [trial(8), trial(16), trial(24)]
    schedule = Schedule(trials)
    assert bits(schedule) == [8]
    for phase in ("load", "audit", "features", "neighbours", "maps"):
        schedule.entered(trials[0].key, phase)
        assert bits(schedule) == []
    schedule.entered(trials[0].key, "fit")
    assert bits(schedule) == [16, 24]


@pytest.mark.parametrize("phase", ["load", "features"])
def test_the_next_one_makes_it_where_the_first_needed_nothing_or_failed(phase: str) -> None:
    """Random codes are evaluated without features."""
    trials = [trial(8), trial(16), trial(24)]
    schedule = Schedule(trials)
    assert bits(schedule) == [8]
    schedule.entered(trials[0].key, phase)
    schedule.ended(trials[0].key)
    assert bits(schedule) == [16]
    schedule.entered(trials[1].key, "features")
    schedule.entered(trials[1].key, "fit")
    assert bits(schedule) == [24]


def test_random_codes_that_need_no_features_have_made_none() -> None:
    trials = [trial(8), trial(16)]
    schedule = Schedule(trials)
    assert bits(schedule) == [8]
    schedule.entered(trials[0].key, "audit")
    schedule.entered(trials[0].key, "evaluate")
    assert bits(schedule) == []


def test_other_data_and_other_features_are_made_beside() -> None:
    schedule = Schedule([trial(8), trial(9), trial(10, spec="cifar10"), trial(11, features="gist")])
    assert bits(schedule) == [8, 10, 11]


def test_who_takes_over_what_another_fitted_waits_for_its_end_in_any_order() -> None:
    short, long = trial(8, longest=32), trial(32, longest=None)
    other = trial(64)
    asymmetric = replace(other, trial=replace(other.trial, ranking="asymmetric"))
    schedule = Schedule([short, asymmetric, other, long])
    assert bits(schedule) == [64]
    schedule.entered(other.key, "features")
    schedule.entered(other.key, "fit")
    assert bits(schedule) == [32]
    schedule.ended(other.key)
    assert bits(schedule) == [64]
    schedule.ended(long.key)
    assert bits(schedule) == [8]
    assert not schedule.waiting
