"""``hb.check`` and ``hb.compare``, held to the code of today."""

from pathlib import Path

import numpy as np
import pytest

import hashbench as hb
from hashbench.errors import UsageError
from hashbench.reporting.regression.baseline import make_baseline
from hashbench.reporting.regression.baseline_file import write_baseline
from tests.reporting.result_folder import ResultFolder

EXTERNAL = {"codes": "external"}


@pytest.fixture
def results(tmp_path: Path) -> ResultFolder:
    """Results that no code of today made, of a method that is here, of one that is not, and of codes from elsewhere."""
    made = ResultFolder(tmp_path / "results")
    made.add(0.5, ap=np.full(20, 0.5), parameters={"iterations": 50})
    made.add(0.5, "nobodys")
    made.add(0.5, "theirs", parameters=EXTERNAL, variant=EXTERNAL)
    write_baseline(make_baseline(made.read()), tmp_path / "b.json")
    return made


def test_check_says_of_each_cell_why_todays_code_would_not_make_it(results: ResultFolder, tmp_path: Path) -> None:
    report = hb.check(tmp_path / "b.json", results.path)
    reasons = {one.identity.method: (one.verdict, one.reason) for one in report.findings}
    assert reasons["itq"][0] == "stale"
    assert reasons["itq"][1].startswith("methods/itq.py changed, version of images went from none to ")
    assert reasons["nobodys"] == ("gone", "no method named 'nobodys'")
    assert hb.check(tmp_path / "b.json", results.path, allow_stale=True).exit_code == 0
    with pytest.raises(UsageError, match="repeats is 0, wanted a whole number from 1 to 1000000000"):
        hb.check(tmp_path / "b.json", results.path, repeats=0)


def test_codes_from_elsewhere_need_no_method_here(results: ResultFolder, tmp_path: Path) -> None:
    other = ResultFolder(tmp_path / "other")
    other.add(0.5, parameters={"iterations": 50})
    missing = {one.identity.method: one for one in hb.check(tmp_path / "b.json", other.path).findings}
    assert (missing["theirs"].verdict, missing["theirs"].reason) == ("missing", "not in the results")
    assert (missing["nobodys"].verdict, missing["nobodys"].reason) == (
        "gone",
        "not in the results, and no method named 'nobodys'",
    )


def test_compare_judges_its_second_side(results: ResultFolder) -> None:
    comparison = hb.compare(results.path, results.path)
    assert (comparison.counts["stale"], comparison.exit_code) == (1, 1)
    assert hb.compare(results.path, results.path, allow_stale=True).counts["equal"] == 1


def test_two_methods_of_a_folder_are_compared_from_python(results: ResultFolder) -> None:
    results.add(0.6, "pcah", ap=np.full(20, 0.6))
    comparison = hb.compare(results.path, methods=["itq", "pcah"], allow_stale=True)
    assert comparison.counts == {"better": 1}
    assert hb.compare(results.path, methods="itq,pcah", allow_stale=True) == comparison
    assert hb.compare(results.path, methods="itq,pcah").counts == {"stale": 1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "name two folders or records, A and B, or one folder and two of its methods"),
        ({"second": "results", "methods": "itq,lsh"}, "name two folders or records"),
        ({"methods": ["itq"]}, r"methods is \['itq'\], wanted two rows such as 'itq,mine'"),
        ({"methods": "itq,nobody"}, "no method in these results named 'nobody'"),
    ],
)
def test_what_cannot_be_compared_is_said(results: ResultFolder, given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        hb.compare(results.path, **given)  # type: ignore[arg-type]
