"""The gate of throughput: verdicts and what is refused."""

import io
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from hashbench.records.outdated import Outdated
from hashbench.records.results import Results
from hashbench.reporting.regression.github import github
from hashbench.reporting.regression.junit import junit
from hashbench.reporting.regression.rate_report import RateReport
from hashbench.reporting.regression.rates import check_rates
from hashbench.reporting.regression.rates_text import show_rates
from tests.reporting.result_folder import MACHINES, ResultFolder

Folder = Callable[[str], ResultFolder]


MIN_ROUNDS = (0.99, 1.0, 1.01)


def measured(
    results: ResultFolder, scale: float, method: str = "itq", rounds: Any = MIN_ROUNDS, **changes: Any
) -> None:
    """A repetition for each round, measured at its minute."""
    trial = {name: changes.pop(name) for name in ("bits", "repetition") if name in changes}
    for repetition, factor in enumerate(rounds):
        files = {"a": results.path.name.rjust(16, "0")[:16]}
        record = results.add(method=method, files=files, **{"repetition": repetition, **trial})
        time = {"measured": f"2026-01-01T00:{repetition:02d}:00+00:00"}
        results.add_rates(record, scale * factor, **{**time, **changes})


def verdicts(report: RateReport) -> dict[str, str]:
    return {finding.label: finding.verdict for finding in report.findings}


def printed(report: RateReport) -> str:
    stream = io.StringIO()
    show_rates(report, Console(file=stream, width=160, highlight=False))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("scale", "verdict"), [(0.79, "slower"), (0.81, "passed"), (1.0, "passed"), (1.24, "passed"), (1.26, "faster")]
)
def test_a_rate_may_be_a_fifth_slower(folder: Folder, scale: float, verdict: str) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0)
    measured(head, scale)
    report = check_rates(base.path, head.path)
    rates = ("encoding images", "encoding images one by one", "searching 10 nearest")
    assert verdicts(report) == {f"itq, {rate}": verdict for rate in rates}
    assert report.exit_code == int(verdict == "slower")
    assert check_rates(base.path, head.path, slower=0.5).exit_code == 0
    assert [finding.ratio for finding in report.findings] == pytest.approx([scale] * 3)


def test_rounds_whose_ranges_meet_are_no_evidence(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0, rounds=(0.6, 1.0, 1.4))
    measured(head, 1.0, rounds=(0.5, 0.55, 0.61))
    assert check_rates(base.path, head.path).counts == {"passed": 3}
    lower = folder("lower")
    measured(lower, 1.0, rounds=(0.5, 0.55, 0.59))
    assert check_rates(base.path, lower.path).counts == {"slower": 3}


def test_the_median_over_rounds_is_judged(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0, rounds=(1.0, 1.1, 0.9))
    measured(head, 1.0, rounds=(0.1, 1.0, 1.05))
    report = check_rates(base.path, head.path)
    assert report.exit_code == 0
    assert [finding.ratio for finding in report.findings] == pytest.approx([1.0] * 3)


def test_a_method_is_judged_once_over_its_code_lengths(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    for bits, scale in ((16, 0.6), (32, 1.0), (64, 1.0)):
        measured(base, bits, bits=bits)
        measured(head, bits * scale, bits=bits)
    report = check_rates(base.path, head.path)
    assert set(verdicts(report)) == {
        f"itq, {rate}" for rate in ("encoding images", "encoding images one by one", "searching 10 nearest")
    }
    assert [finding.ratio for finding in report.findings] == pytest.approx([0.6 ** (1 / 3)] * 3)
    assert "3 rounds against 3, mean of 3 code lengths" in report.findings[0].sentence
    assert report.exit_code == 0
    assert check_rates(base.path, head.path, slower=0.1).exit_code == 1


def test_fewer_than_three_rounds_are_refused(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0)
    measured(head, 0.1, rounds=(1.0, 1.0))
    report = check_rates(base.path, head.path)
    assert report.exit_code == 3
    assert report.refused == (
        "itq on digits/holdout-200, features pixels: 2 rounds against 3, 3 repetitions on both sides are needed"
    )
    measured(base, 1.0, "lsh")
    measured(head, 1.0, "lsh")
    report = check_rates(base.path, head.path)
    assert (report.exit_code, report.counts) == (0, {"passed": 3})
    (note,) = report.notes
    assert note.startswith("not judged: itq on")
    assert note in printed(report)


def test_rounds_that_not_all_code_lengths_have_do_not_count(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    for side in (base, head):
        measured(side, 1.0, rounds=(1.0, 1.0, 1.0))
        measured(side, 1.0, bits=32, rounds=(1.0, 1.0))
        measured(side, 1.0, bits=32, rounds=(1.0,), repetition=7)
    assert "2 rounds against 2" in check_rates(base.path, head.path).refused


def test_one_side_after_all_of_the_other_is_refused(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0)
    measured(head, 0.1, measured="2026-01-01T00:02:01+00:00")
    for sides in ((base, head), (head, base)):
        report = check_rates(sides[0].path, sides[1].path)
        assert report.exit_code == 3
        assert report.refused.endswith("one side was measured after all of the other, not in turn")


def test_each_machine_that_both_have_is_judged_and_others_are_named(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    third = {**MACHINES["a"], "id": "c" * 12, "cpu": "cpu c"}
    for hardware, scale in ((MACHINES["a"], 1.0), (MACHINES["b"], 0.5)):
        measured(base, 1.0, hardware=hardware)
        measured(head, scale, hardware=hardware)
    measured(head, 0.1, hardware=third)
    report = check_rates(base.path, head.path)
    assert {(f.hardware, f.verdict) for f in report.findings} == {("a" * 12, "passed"), ("b" * 12, "slower")}
    assert report.exit_code == 1
    (note,) = report.notes
    assert note == f"not judged: measured in {head.path} alone: cpu c, 1 thread on cpu (cccccccccccc)"
    text = printed(report)
    assert "slower: itq, encoding images on digits/holdout-200, features pixels, hardware bbbbbbbbbbbb" in text


def test_what_is_measured_on_the_base_alone_fails(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0)
    measured(base, 1.0, method="lsh")
    measured(head, 1.0, search={})
    measured(head, 1.0, method="new")
    report = check_rates(base.path, head.path)
    assert verdicts(report)["lsh 16 bits"] == "missing"
    assert verdicts(report)["itq 16 bits, searching 10 nearest"] == "missing"
    assert report.exit_code == 1


def test_failed_and_stale_trials_of_the_head_fail_with_their_reason(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    for method in ("itq", "lsh", "pcah"):
        measured(base, 1.0, method)
        measured(head, 1.0, method)
    head.add_failed("lsh", repetition=3)

    def find(results: Results) -> dict[str, Outdated]:
        stale = Outdated("stale", "methods/pcah.py changed")
        return {record["key"]: stale for record in results.records if record["trial"]["method"] == "pcah"}

    report = check_rates(base.path, head.path, find_outdated=find)
    assert (report.counts, report.exit_code) == ({"failed": 1, "stale": 1, "passed": 3}, 1)
    reasons = {finding.label: finding.sentence for finding in report.findings if finding.failing}
    assert reasons == {
        "lsh 16 bits": "1 of 4 repetitions: failed in fit: boom",
        "pcah 16 bits": "methods/pcah.py changed",
    }
    assert "stale: pcah 16 bits on digits/holdout-200, features pixels, hardware aaaaaaaaaaaa: meth" in printed(report)
    assert report.as_json()["findings"][-1]["reason"] == "methods/pcah.py changed"
    assert check_rates(base.path, head.path, find_outdated=find, allow_stale=True).counts == {"failed": 1, "passed": 6}


def test_a_head_of_which_nothing_is_judged_is_named_or_fails(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0)
    head.add_failed()
    report = check_rates(base.path, head.path)
    assert report.exit_code == 3
    assert report.notes == ("failed: itq 16 bits on digits/holdout-200, features pixels: failed in fit: boom",)
    measured(head, 1.0, "lsh")
    report = check_rates(base.path, head.path)
    assert (report.exit_code, report.counts) == (1, {"failed": 1})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hardware": MACHINES["b"]}, "measured on other hardware: cpu a, 1 thread on cpu (aaaaaaaaaaaa) and cpu b"),
        ({"measured": None}, "some throughput does not say when it was measured; hashbench measure repeats it"),
        ({"measured": "yesterday"}, "some throughput does not say when it was measured"),
        ({"measured": "2026-01-01T00:00:00"}, "some throughput does not say when it was measured"),
        ({"measured": "2026-01-01T09:00:00+00:00"}, "measured up to 9 hours apart, not in turn in one job"),
    ],
)
def test_rates_not_measured_in_turn_are_refused(folder: Folder, changes: dict[str, Any], reason: str) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0)
    measured(head, 0.1, **changes)
    report = check_rates(base.path, head.path)
    assert report.refused.startswith(reason)
    assert (report.exit_code, report.findings) == (3, ())
    assert reason in printed(report)
    assert reason.split(":")[0] in github(report)


def test_nothing_measured_is_refused(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0)
    head.add()
    assert check_rates(base.path, head.path).refused == f"{head.path} has no throughput; hashbench measure makes it"
    measured(head, 1.0, method="lsh")
    assert check_rates(base.path, head.path).refused == "no cell was measured on both sides"


def test_outputs(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    measured(base, 1.0)
    measured(head, 0.5)
    report = check_rates(base.path, head.path)
    text = printed(report)
    assert (
        "slower: itq, encoding images on digits/holdout-200, features pixels, hardware aaaaaaaaaaaa: 50.0/s, 0.50"
        in text
    )
    assert "Slower: by more than 20%" in text
    facts = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert facts["findings"][0]["ratio"] == pytest.approx(0.5)
    root = ElementTree.fromstring(junit(report).encode())
    assert root.attrib["failures"] == "3"
    assert github(report).startswith("::error title=slower%3A itq%2C encoding images::50.0/s, 0.50 times")
