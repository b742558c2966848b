"""The newest record of each trial."""

from itertools import permutations
from typing import Any

from hashbench.records.newest import newest_records, trial_id


def record(key: str, created: str, **trial: Any) -> dict[str, Any]:
    return {"key": key, "trial": {"method": "itq", "bits": 16, **trial}, "provenance": {"created": created}}


OLD, NEW, LATER = record("c", "2026-01-01"), record("a", "2026-01-02"), record("b", "2026-01-02")
OTHER = record("d", "2025-01-01", bits=32)


def test_the_newest_counts_and_of_one_time_the_higher_key_whatever_the_order() -> None:
    for records in permutations((OLD, NEW, LATER, OTHER)):
        newest = newest_records(records)
        assert {record["key"] for record in newest.values()} == {"b", "d"}
        assert newest[trial_id(OLD["trial"])] is LATER


def test_a_preferred_record_goes_before_newer_ones() -> None:
    assert [record["key"] for record in newest_records((OLD, NEW, LATER), {"c"}).values()] == ["c"]
    assert [record["key"] for record in newest_records((OLD, NEW, LATER), {"c", "a"}).values()] == ["a"]


def test_the_order_of_a_trials_names_makes_no_difference() -> None:
    assert trial_id({"bits": 16, "method": "itq"}) == trial_id({"method": "itq", "bits": 16})
    assert trial_id({"bits": 16, "method": "itq"}) != trial_id({"bits": 16, "method": "lsh"})
