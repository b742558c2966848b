"""The time that trials may take, by earlier records of their kind."""

from dataclasses import replace
from typing import Any

import pytest

from hashbench.planning.expected_time import ExpectedTime
from hashbench.records.store import Record
from hashbench.records.trial_spec import PlannedTrial, TrialSpec
from tests.reporting.made_records import failed, make_record


def planned(record: Record) -> PlannedTrial:
    return PlannedTrial(TrialSpec(**record["trial"]), record["fingerprint"], record["protocol_card"], "digits")


def took(method: str, bits: int, seconds: dict[str, Any], **changes: Any) -> Record:
    return {**make_record(method, bits, 0.5, **changes), "seconds": seconds}


def test_repetitions_tell_the_time_of_the_next_and_an_outlier_does_not() -> None:
    records = [took("itq", 16, {"fit": fit, "evaluate": 1.0}, repetition=n) for n, fit in enumerate((2.0, 3.0, 90.0))]
    wanted = planned(make_record("itq", 16, 0.5, repetition=3, seed=7))
    assert ExpectedTime(records).of(wanted) == 4.0


def test_other_code_lengths_tell_where_there_is_no_repetition() -> None:
    records = [took("itq", 16, {"fit": 2.0}), took("itq", 32, {"fit": 4.0})]
    expected = ExpectedTime(records)
    assert expected.of(planned(make_record("itq", 64, 0.5))) == 3.0
    assert expected.of(planned(make_record("itq", 32, 0.5, repetition=1))) == 4.0


def test_what_is_done_once_for_all_trials_does_not_count() -> None:
    record = took("itq", 16, {"audit": 50.0, "features": 100.0, "compile": 20.0, "load": 0.5, "fit": 2.0})
    assert ExpectedTime([record]).of(planned(record)) == 2.5


@pytest.mark.parametrize("changed", [{"variant": {"epochs": 4}}, {"limit": 100}, {"protocol": "digits/other"}])
def test_trials_of_another_kind_tell_nothing(changed: dict[str, Any]) -> None:
    expected = ExpectedTime([took("itq", 16, {"fit": 2.0}), took("lsh", 16, {"fit": 1.0})])
    assert expected.of(planned(make_record("itq", 16, 0.5, **changed))) is None
    assert expected.of(planned(make_record("pcah", 16, 0.5))) is None


def test_nor_do_failures_and_other_kinds_of_device() -> None:
    record = took("itq", 16, {"fit": 2.0})
    wanted = planned(record)
    assert ExpectedTime([failed(record)]).of(wanted) is None
    on_gpu = replace(wanted, fingerprint={**wanted.fingerprint, "device": "cuda"})
    assert ExpectedTime([record]).of(on_gpu) is None
