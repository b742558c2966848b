"""The gate of throughput: verdicts and what is refused."""

import io
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from hashbench.reporting.regression.github import github
from hashbench.reporting.regression.junit import junit
from hashbench.reporting.regression.rates import RateReport, check_rates
from hashbench.reporting.regression.rates_text import show_rates
from tests.reporting.result_folder import MACHINES, ResultFolder

Folder = Callable[[str], ResultFolder]


def measured(results: ResultFolder, scale: float, repetition: int = 0, method: str = "itq", **changes: Any) -> None:
    record = results.add(method=method, repetition=repetition, files={"a": results.path.name.rjust(16, "0")[:16]})
    results.add_rates(record, scale, **changes)


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
    assert verdicts(report) == {f"itq 16 bits, {rate}": verdict for rate in rates}
    assert report.exit_code == int(verdict == "slower")
    assert check_rates(base.path, head.path, slower=0.5).exit_code == 0
    assert [finding.ratio for finding in report.findings] == pytest.approx([scale] * 3)


def test_quartiles_that_meet_are_no_evidence(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    wide = {"median": 100.0, "q1": 60.0, "q3": 140.0, "single": None}
    measured(base, 1.0, encode={"images_per_s": wide, "features_per_s": None}, search={})
    measured(head, 0.7, search={})
    report = check_rates(base.path, head.path)
    assert verdicts(report) == {"itq 16 bits, encoding images": "passed"}


def test_the_median_over_repetitions_is_judged(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    for repetition, (before, after) in enumerate(((1.0, 0.1), (1.1, 1.0), (0.9, 1.05))):
        measured(base, before, repetition)
        measured(head, after, repetition)
    report = check_rates(base.path, head.path)
    assert report.exit_code == 0
    assert [finding.ratio for finding in report.findings] == pytest.approx([1.0] * 3)


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


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hardware": MACHINES["b"]}, "measured on other hardware: cpu a, 1 threads on cpu (aaaaaaaaaaaa) and cpu b"),
        ({"measured": None}, "some throughput does not say when it was measured; hashbench measure repeats it"),
        ({"measured": "yesterday"}, "some throughput does not say when it was measured"),
        ({"measured": "2026-01-01T00:00:00"}, "some throughput does not say when it was measured"),
        ({"measured": "2026-01-01T09:00:00+00:00"}, "measured up to 9 hours apart, not in turn in one job"),
    ],
)
def test_what_was_not_measured_in_one_job_is_refused(folder: Folder, changes: dict[str, Any], reason: str) -> None:
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
    assert "slower: itq 16 bits, encoding images on digits/holdout-200, features pixels: 50.0/s, 0.50 times the" in text
    assert "Slower: by more than 20%" in text
    facts = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert facts["findings"][0]["ratio"] == 0.5
    root = ElementTree.fromstring(junit(report).encode())
    assert root.attrib["failures"] == "3"
    assert github(report).startswith("::error title=slower%3A itq 16 bits%2C encoding images::50.0/s, 0.50 times")
