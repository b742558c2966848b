"""The newest record of each trial."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest

from hashbench.records import newest, outdated
from hashbench.records.newest import by_device, newest_records, trial_id
from hashbench.records.outdated import NONE_OUTDATED, records_that_count
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.tables import tables
from tests.reporting.made_records import make_record


def record(key: str, created: str, device: str = "cpu", status: str = "ok", **trial: Any) -> dict[str, Any]:
    return {
        "key": key,
        "status": status,
        "trial": {"method": "itq", "bits": 16, "repetition": 0, **trial},
        "fingerprint": {"device": device},
        "provenance": {"created": created},
    }


OLD, NEW, LATER = record("c", "2026-01-01"), record("a", "2026-01-02"), record("b", "2026-01-02")
OTHER = record("d", "2025-01-01", bits=32)


def test_the_newest_counts_and_of_one_time_the_higher_key_whatever_the_order() -> None:
    for records in permutations((OLD, NEW, LATER, OTHER)):
        counted = newest_records(records)
        assert {record["key"] for record in counted.values()} == {"b", "d"}
        assert counted[trial_id(OLD["trial"])] is LATER


def test_a_preferred_record_goes_before_newer_ones() -> None:
    assert [record["key"] for record in newest_records((OLD, NEW, LATER), {"c"}).values()] == ["c"]
    assert [record["key"] for record in newest_records((OLD, NEW, LATER), {"c", "a"}).values()] == ["a"]


def test_the_order_of_a_trials_names_makes_no_difference() -> None:
    assert trial_id({"bits": 16, "method": "itq"}) == trial_id({"method": "itq", "bits": 16})
    assert trial_id({"bits": 16, "method": "itq"}) != trial_id({"bits": 16, "method": "lsh"})


def test_a_cell_is_shown_by_the_kind_of_device_with_more_finished_repetitions() -> None:
    cpu = [record(f"c{n}", "2026-01-01", repetition=n) for n in range(3)]
    gpu = [record(f"g{n}", "2026-01-02", "cuda", "ok" if n < 2 else "failed", repetition=n) for n in range(3)]
    other_cell = record("x", "2026-01-01", "cuda", bits=32)
    for records in ([*cpu, *gpu, other_cell], [other_cell, *reversed(gpu), *cpu]):
        shown, left_out = by_device(records)
        assert {each["key"] for each in shown} == {"c0", "c1", "c2", "x"}
        assert {each["key"] for each in left_out} == {"g0", "g1", "g2"}
        assert {each["key"] for each in newest_records(records).values()} == {"c0", "c1", "c2", "x"}


def test_of_two_kinds_with_as_many_repetitions_the_preferred_then_the_newer_is_shown() -> None:
    cpu, gpu = record("c", "2026-01-01"), record("g", "2026-01-02", "cuda")
    assert [each["key"] for each in newest_records([gpu, cpu]).values()] == ["g"]
    assert [each["key"] for each in newest_records([gpu, cpu], {"c"}).values()] == ["c"]


def test_what_a_trial_is_is_found_twice_for_a_record_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(trial: Mapping[str, Any]) -> str:
        asked.append(trial)
        return trial_id(trial)

    monkeypatch.setattr(newest, "trial_id", counted)
    records = tuple(make_record("itq", bits, 0.5, repetition=number) for bits in (16, 32) for number in range(20))
    tables(Results(records))
    assert len(asked) == 2 * len(records)
    asked.clear()
    records_that_count(records, NONE_OUTDATED)
    assert len(asked) == 2 * len(records)


def test_what_was_asked_for_is_found_twice_for_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    original, asked = outdated._asked, []

    def counted(record: Record) -> str:
        asked.append(record)
        return original(record)

    monkeypatch.setattr(outdated, "_asked", counted)
    records = tuple(make_record("itq", bits, 0.5, repetition=number) for bits in (16, 32) for number in range(20))
    records_that_count(records, NONE_OUTDATED)
    assert len(asked) == 2 * len(records)
