"""Each check finds the fault that was planted for it, and no other check takes offence."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hashbench.conformance import MethodCheck, checks
from hashbench.conformance.method_check import all_checks
from hashbench.errors import ConformanceFailure, UsageError
from tests.conformance.faulty import FAULTS, DrawsBitByBit, Sound, SoundEstimator

IN_FILES = {
    "import hashbench.methods.itq": "imports-building-blocks",
    "from hashbench.execution.run import run": "imports-building-blocks",
    "def move(x):\n    return x.cuda()": "names-no-device",
    "def move(x):\n    return x.to('cuda:0')": "names-no-device",
}
SOURCE = '''{}

from hashbench.method import HashMethod
from tests.conformance import faulty


class Planted(faulty.Sound):
    """A fault in its file."""
'''


def failed(found: list[MethodCheck]) -> list[str]:
    return [outcome.name for outcome in (one.run() for one in found) if outcome.status == "failed"]


def test_a_sound_method_passes_all() -> None:
    outcomes = [one.run() for one in checks(Sound)]
    assert [(outcome.name, outcome.message) for outcome in outcomes if not outcome.ok] == []
    assert {outcome.name for outcome in outcomes if outcome.status == "not applicable"} == {
        "codes-are-the-sign-of-project",
        "nests-as-declared",
        "restores-images",
        "scores-do-not-depend-on-the-block",
        "factors-do-not-depend-on-the-batch",
        "scores-keep-neighbours",
    }


def test_sound_nested_codes_pass_all() -> None:
    outcomes = {outcome.name: outcome.status for outcome in (one.run() for one in checks(DrawsBitByBit))}
    assert outcomes.pop("nests-as-declared") == "passed"
    assert set(outcomes.values()) <= {"passed", "not applicable"}


def test_a_sound_estimator_passes_all() -> None:
    outcomes = [one.run() for one in checks(SoundEstimator)]
    assert [(outcome.name, outcome.message) for outcome in outcomes if not outcome.ok] == []
    assert not any(outcome.status == "not applicable" for outcome in outcomes if outcome.name.startswith("scores"))


@pytest.mark.parametrize(("faulty", "name"), FAULTS)
def test_the_named_check_alone_finds_a_fault(faulty: type[Sound], name: str) -> None:
    assert failed(checks(faulty)) == [name]


@pytest.mark.parametrize(("line", "name"), IN_FILES.items())
def test_the_named_check_alone_finds_a_fault_of_the_file(line: str, name: str, tmp_path: Path) -> None:
    planted = load(tmp_path / "planted.py", SOURCE.format(line))
    assert failed(checks(planted.Planted)) == [name]


def load(file: Path, source: str) -> ModuleType:
    file.write_text(source)
    spec = importlib.util.spec_from_file_location("planted", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["planted"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_check_has_a_planted_fault() -> None:
    assert {name for _, name in FAULTS} | set(IN_FILES.values()) == set(all_checks())


def faulty(name: str) -> type[Sound]:
    return next(each for each, _ in FAULTS if each.__name__ == name)


def test_a_message_says_what_was_seen_what_was_wanted_and_the_way_out() -> None:
    (found,) = [one for one in checks(faulty("CentresInPlace")) if one.__name__ == "fit-leaves-its-input"]
    with pytest.raises(ConformanceFailure) as failure:
        found()
    assert str(failure.value) == (
        "CentresInPlace, fit-leaves-its-input: fit changed 35,400 of 38,400 numbers of its features in place; "
        "wanted: `fit` leaves features and images as they were; work on a copy: x = train.features.clone()"
    )


def test_a_fit_that_fails_is_said_once() -> None:
    outcomes = [one.run() for one in checks(faulty("DoesNotFit"))]
    (fault,) = [outcome for outcome in outcomes if outcome.status == "failed"]
    assert fault.message.startswith("fit raised RuntimeError: the matrix is singular; wanted: `fit` learns from some")
    assert sum(outcome.status == "blocked" for outcome in outcomes) > 20


def test_an_expected_failure_passes_while_it_fails() -> None:
    reason = "it needs 100 neighbours"
    expecting = checks(faulty("Needs100Neighbours"), expected={"takes-64-items": reason})
    for one in expecting:
        one()
    (outcome,) = [one.run() for one in expecting if one.__name__ == "takes-64-items"]
    assert outcome.status == "expected"
    assert outcome.message.startswith(f"{reason} (it raised RuntimeError: selected index k out of range (faulty.py:")


def test_an_expected_failure_that_passes_is_a_failure() -> None:
    (found,) = [one for one in checks(Sound, expected={"takes-64-items": "it used to"}) if one.reason]
    with pytest.raises(ConformanceFailure, match=r"it passes, and is expected to fail \(it used to\); expect it no"):
        found()


@pytest.mark.parametrize(
    ("expected", "complaint"),
    [
        ({"takes-64-items": " "}, "expected to fail without a reason; say why"),
        ({"takes-64": "few"}, "no check named 'takes-64'; did you mean 'takes-64-items'"),
    ],
)
def test_an_expectation_names_a_check_and_a_reason(expected: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        checks(Sound, expected=expected)


def test_a_hyper_parameter_that_the_method_refuses_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="itq at 16 bits: itq: iterations is -1, wanted 0 or more"):
        checks("itq", parameters={"iterations": -1})
