"""Shards: disjoint, complete, and the same whatever else is planned."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hashbench.errors import UsageError
from hashbench.execution.run import make_settings, plan_grids
from hashbench.execution.settings import Settings
from hashbench.planning.grid import Grid
from hashbench.planning.plan import Plan
from hashbench.planning.shard import Shard, parse_shard
from hashbench.records.trial_spec import PlannedTrial


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path / "results", tmp_path)


def planned(settings: Settings, **changes: Any) -> Plan:
    default: dict[str, Any] = {"methods": ("itq", "lsh"), "bits": (16, 32), "repeats": 10}
    return plan_grids([Grid(**{**default, **changes})], settings)


def placed(plan: Plan, count: int) -> dict[str, list[int]]:
    """The shards that have each trial, by key."""
    shards = [Shard(number, count) for number in range(1, count + 1)]
    found = {entry.planned.key: list[int]() for entry in plan.entries}
    for shard in shards:
        for entry in plan.of_shard(shard).entries:
            found[entry.planned.key].append(shard.number)
    return found


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_each_trial_is_in_one_shard(settings: Settings, count: int) -> None:
    plan = planned(settings)
    found = placed(plan, count)
    assert len(found) == len(plan.entries) == 61
    assert all(len(shards) == 1 for shards in found.values())
    assert len({shard for shards in found.values() for shard in shards}) == count, "none is empty"


def test_a_trial_stays_in_its_shard_whatever_else_is_planned(settings: Settings) -> None:
    before = placed(planned(settings), 5)
    after = placed(planned(settings, methods=("pcah", "lsh", "itq"), bits=(64, 32, 16), repeats=11), 5)
    assert len(after) > len(before)
    assert {key: after[key] for key in before} == before


def test_trials_of_one_training_are_in_one_shard(settings: Settings) -> None:
    asked: dict[str, Any] = {"bits": (8, 16, 24, 32), "rankings": ("hamming", "asymmetric"), "repeats": 1}
    plan = planned(settings, methods=("itq", "pcah"), **asked)
    shards = placed(plan, 64)
    trials = [entry.planned for entry in plan.entries]
    by_codes: dict[tuple[str, int | None], set[int]] = {}
    for trial in (one for one in trials if one.trial.method in ("itq", "pcah")):
        bits = None if trial.nested else trial.trial.bits
        by_codes.setdefault((trial.trial.method, bits), set()).update(shards[trial.key])
    assert [len(found) for found in by_codes.values()] == [1] * 5, "four lengths of itq, and pcah, whose are nested"


def test_jobs_on_machines_of_different_kinds_agree_on_the_shards(settings: Settings) -> None:
    """Where "auto" becomes bfloat16 on one and float32 on the other."""

    def on(device: str, trial: PlannedTrial) -> PlannedTrial:
        precision = "bfloat16" if device == "cuda" else "float32"
        parameters = {**trial.trial.parameters, "precision": precision}
        spec = replace(trial.trial, parameters=parameters, features_dtype=precision)
        return replace(trial, trial=spec, fingerprint={**trial.fingerprint, "device": device})

    trials = [entry.planned for entry in planned(settings).entries]
    for number in range(1, 8):
        shard = Shard(number, 7)
        assert [shard.has(on("cpu", trial)) for trial in trials] == [shard.has(on("cuda", trial)) for trial in trials]


def test_the_plan_says_what_the_shard_has(settings: Settings) -> None:
    plan = planned(settings)
    part = plan.of_shard(Shard(2, 4))
    assert part.notes == [*plan.notes, f"shard 2/4 has {len(part.entries)} of 61 trials"]
    assert part.to_run() == [entry.planned for entry in part.entries]
    assert plan.of_shard(None) is plan


def test_a_shard_is_written_as_number_and_count() -> None:
    assert parse_shard("2/8") == Shard(2, 8)
    assert str(parse_shard(" 8/8 ")) == "8/8"


@pytest.mark.parametrize("text", ["", "0/8", "9/8", "2", "2/", "/8", "-1/8", "1.5/8", "1/0", "1/8/2", "²/8"])
def test_anything_else_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="wanted i/n with i from 1 to n"):
        parse_shard(text)
