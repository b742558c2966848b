"""The gate's verdicts, recomputed plainly, and its outputs."""

import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from hashbench.records.outdated import Outdated
from hashbench.reporting.regression.baseline import Baseline, make_baseline
from hashbench.reporting.regression.gate import Judging, judge
from hashbench.reporting.regression.github import github
from hashbench.reporting.regression.junit import junit
from hashbench.reporting.regression.report import SAME, SINGLE, SPREAD, Finding, Report
from hashbench.reporting.regression.text import show
from tests.reporting.result_folder import ResultFolder

Folder = Callable[[str], ResultFolder]
VALUES = np.array([0.60, 0.62, 0.61, 0.65, 0.63, 0.60])
FIGURES = 3
ANY_NUMBER = Judging(repeats=1)


@pytest.fixture
def baseline(folder: Folder) -> Baseline:
    """Of ITQ with six repetitions, and PCAH with one."""
    base = folder("base")
    base.add_runs(VALUES)
    base.add(0.4, "pcah")
    return make_baseline(base.read())


def checked(baseline: Baseline, results: ResultFolder, judging: Judging = ANY_NUMBER) -> Report:
    return judge(baseline, results.read(), ("baseline.json", "results"), judging)


def finding(report: Report, method: str = "itq", metric: str | None = "map@1000") -> Finding:
    (judged,) = [f for f in report.findings if f.identity.method == method and f.metric in (metric, None)]
    return judged


def unchanged(head: ResultFolder, **changes: Any) -> ResultFolder:
    head.add_runs(VALUES, **changes)
    head.add(0.4, "pcah", **changes)
    return head


def test_unchanged_results_pass(baseline: Baseline, folder: Folder) -> None:
    report = checked(baseline, unchanged(folder("head")))
    assert report.counts == {"passed": 6}
    assert {judged.rule for judged in report.findings} == {SAME}
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("change", "verdict"),
    [(-0.0021, "regressed"), (-0.002, "passed"), (0.002, "passed"), (0.0021, "improved"), (-0.3, "regressed")],
)
def test_the_same_runs_may_differ_by_two_thousandths_in_the_mean(
    baseline: Baseline, folder: Folder, change: float, verdict: str
) -> None:
    head = folder("head")
    head.add_runs(VALUES + change + np.array([0.05, -0.05, 0.01, -0.01, 0, 0]))
    head.add(0.4 + change, "pcah")
    report = checked(baseline, head)
    for method in ("itq", "pcah"):
        judged = finding(report, method)
        assert (judged.verdict, judged.rule, judged.tolerance) == (verdict, SAME, 0.002)
        assert judged.worse_by == pytest.approx(-change, abs=1e-6)
    assert report.exit_code == int(verdict == "regressed")


def test_only_runs_that_both_have_are_compared_as_the_same(baseline: Baseline, folder: Folder) -> None:
    head = folder("head")
    for repetition in (1, 3):
        head.add(VALUES[repetition] - 0.003, repetition=repetition)
    head.add(0.1, seed=9)
    judged = finding(checked(baseline, head))
    assert (judged.verdict, judged.runs) == ("regressed", (2, 2))
    assert judged.baseline == pytest.approx((VALUES[1] + VALUES[3]) / 2)
    assert judged.worse_by == pytest.approx(0.003)


@pytest.mark.parametrize("changes", [{"machine": "b"}, {"versions": "2"}, {"seed": 7}])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_other_runs_may_differ_by_the_spread_over_seeds(
    baseline: Baseline, folder: Folder, changes: dict[str, Any], count: int
) -> None:
    quantile = stats.t.ppf(1 - 0.001 / FIGURES, len(VALUES) - 1)
    allowed = quantile * VALUES.std(ddof=1) * np.sqrt(1 / len(VALUES) + 1 / count)
    for distance, verdict in ((-1.01, "regressed"), (-0.99, "passed"), (0.99, "passed"), (1.01, "improved")):
        head = folder(f"head{distance}")
        head.add_runs([VALUES.mean() + distance * allowed] * count, **changes)
        judged = finding(checked(baseline, head))
        assert (judged.verdict, judged.rule, judged.runs) == (verdict, SPREAD, (6, count))
        assert judged.tolerance == pytest.approx(allowed, rel=1e-3)


@pytest.mark.parametrize("changes", [{"machine": "b"}, {"versions": "2"}, {"seed": 7}])
def test_a_method_without_a_draw_may_differ_by_five_thousandths_elsewhere(
    baseline: Baseline, folder: Folder, changes: dict[str, Any]
) -> None:
    for value, verdict in ((0.3949, "regressed"), (0.3951, "passed"), (0.4051, "improved")):
        head = folder(f"head{value}")
        head.add(value, "pcah", **changes)
        judged = finding(checked(baseline, head), "pcah")
        assert (judged.verdict, judged.rule, judged.tolerance) == (verdict, SINGLE, 0.005)


def test_one_repetition_of_everything_judges_the_same_runs_alone(folder: Folder) -> None:
    base = folder("base")
    base.add(0.6)
    baseline = make_baseline(base.read())
    assert finding(checked(baseline, base)).verdict == "passed"
    head = folder("head")
    head.add(0.6, seed=3)
    judged = finding(checked(baseline, head))
    assert judged.verdict == "missing"
    assert judged.reason.startswith("one repetition in the baseline does not tell how far seeds spread")


def test_two_runs_of_what_had_no_draw_cannot_be_judged(baseline: Baseline, folder: Folder) -> None:
    head = folder("head")
    head.add_runs([0.4, 0.41], "pcah", seed=3)
    assert finding(checked(baseline, head), "pcah").verdict == "missing"


def test_no_tolerance_is_below_the_floor(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    base.add_runs([0.5, 0.5, 0.5])
    head.add_runs([0.4985] * 3, seed=1)
    judged = finding(checked(make_baseline(base.read()), head))
    assert (judged.verdict, judged.tolerance) == ("passed", 0.002)


def test_less_is_better_where_the_metric_says_so(baseline: Baseline, folder: Folder) -> None:
    down = Baseline(dict.fromkeys(baseline.directions, "down"), baseline.environments, baseline.cells)
    head = folder("head")
    head.add_runs(VALUES + 0.01)
    head.add(0.39, "pcah")
    report = checked(down, head)
    assert (finding(report).verdict, finding(report, "pcah").verdict) == ("regressed", "improved")


def test_missing_cells_fail_with_their_reason_and_new_ones_are_listed(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    for bits in range(8, 14):
        base.add(0.5, bits=bits)
    head.add(0.5, bits=9, card={"id": "d" * 16})
    head.add(0.5, bits=10, metric_version=2)
    head.add_failed(bits=11, message="boom\nmore")
    head.add_failed(bits=12, status="skipped", message="not 12")
    head.add(0.5, bits=13, metrics={"map@all": None})
    head.add(0.5, bits=64)
    head.add_failed(bits=65)
    report = checked(make_baseline(base.read()), head)
    judged = {(f.identity.bits, f.metric): (f.verdict, f.reason) for f in report.findings if f.verdict != "passed"}
    cannot = "what the results have cannot be compared: other "
    assert judged == {
        (8, None): ("missing", "not in the results"),
        (9, None): ("missing", f"{cannot}protocol card: cccccccccccccccc / dddddddddddddddd"),
        (10, None): ("missing", f"{cannot}metrics version: 1 / 2"),
        (11, None): ("failed", "failed in fit: boom"),
        (12, None): ("failed", "skipped in fit: not 12"),
        (13, "map@all"): ("missing", "not a number in 1 of 1 repetitions"),
        (64, None): ("new", "not in the baseline"),
        (65, None): ("failed", "failed in fit: boom; not in the baseline"),
    }
    assert report.exit_code == 1


def test_a_new_cell_fails_where_todays_code_crashes_or_would_not_make_it(baseline: Baseline, folder: Folder) -> None:
    for number, (status, verdict) in enumerate({"failed": "failed", "skipped": None}.items()):
        head = unchanged(folder(f"head{number}"))
        head.add_failed(bits=65, status=status)
        verdicts = [one.verdict for one in checked(baseline, head).findings if one.identity.bits == 65]
        assert verdicts == ([verdict] if verdict else [])
    head = unchanged(folder("stale"))
    file = head.add(0.5, bits=65)
    for allow_stale, verdict in ((False, "stale"), (True, "new")):
        report = checked(baseline, head, Judging(outdated([file], STALE), allow_stale=allow_stale))
        assert [one.verdict for one in report.findings if one.identity.bits == 65] == [verdict]


def test_one_failed_repetition_fails_its_cell(baseline: Baseline, folder: Folder) -> None:
    head = unchanged(folder("head"))
    head.add_failed(repetition=6)
    assert finding(checked(baseline, head)).reason == "1 of 7 repetitions: failed in fit: boom"


def test_fewer_repetitions_than_the_baseline_or_than_asked_for_fail(baseline: Baseline, folder: Folder) -> None:
    head = folder("head")
    head.add_runs(VALUES[:4])
    head.add(0.4, "pcah")
    report = checked(baseline, head, Judging())
    assert (report.counts, report.exit_code) == ({"missing": 1, "passed": 6}, 1)
    (line,) = [line for line in printed(report).splitlines() if line.startswith("missing: itq 16 bits on ")]
    assert line.endswith("4 repetitions, the baseline has 6; run with --repeats 6, or check with --repeats 4")
    assert checked(baseline, head, Judging(repeats=4)).exit_code == 0
    (missing,) = [f for f in checked(baseline, head, Judging(repeats=5)).findings if f.verdict == "missing"]
    assert missing.reason == "4 repetitions, wanted 5; run with --repeats 5"
    assert checked(baseline, unchanged(folder("more"), seed=3), Judging(repeats=50)).exit_code == 0


def outdated(files: Iterable[Path], reason: Outdated) -> dict[str, Outdated]:
    return {file.stem.rpartition("-")[2]: reason for file in files}


STALE = Outdated("stale", "methods/itq.py changed")


def test_results_that_todays_code_would_not_make_fail_whatever_their_figures(
    folder: Folder, baseline: Baseline
) -> None:
    head = folder("head")
    files = [head.add(float(value), repetition=repetition) for repetition, value in enumerate(VALUES)]
    head.add(0.4, "pcah")
    judging = Judging(outdated(files, STALE))
    report = checked(baseline, head, judging)
    assert (report.counts, report.exit_code) == ({"stale": 1, "passed": 3}, 1)
    text = printed(report)
    assert "\nstale: itq 16 bits on digits/holdout-200, features pixels: methods/itq.py changed\n" in text
    assert "; hashbench run --rerun stale makes anew what is stale, hashbench run what is superseded;" in text
    facts = report.as_json()["findings"]
    assert ("stale", "methods/itq.py changed") in {(each["verdict"], each["reason"]) for each in facts}
    failure = ElementTree.fromstring(junit(report).encode()).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib == {"type": "stale", "message": "methods/itq.py changed"}
    assert github(report).startswith("::error title=stale%3A itq 16 bits::methods/itq.py changed\n")
    allowed = checked(baseline, head, replace(judging, allow_stale=True))
    assert (allowed.counts, allowed.exit_code) == ({"passed": 6}, 0)
    assert allowed.notes == ("itq 16 bits: judged though stale: methods/itq.py changed",)


def test_a_cell_of_old_and_new_repetitions_fails_with_their_number(folder: Folder, baseline: Baseline) -> None:
    head = folder("head")
    files = [head.add(float(value), repetition=repetition) for repetition, value in enumerate(VALUES)]
    report = checked(baseline, head, Judging(outdated(files[2:4], STALE)))
    assert finding(report).reason == "2 of 6 repetitions: methods/itq.py changed"


def test_what_todays_code_made_replaces_what_it_would_not_make_whichever_is_newer(
    folder: Folder, baseline: Baseline
) -> None:
    superseded = Outdated("superseded", "the default of iterations is 3, the record has 50")
    for name, (value, verdict) in {"good": (0.0, "passed"), "bad": (-0.1, "regressed")}.items():
        head = folder(name)
        head.add_runs(VALUES + value, parameters={"iterations": 3}, sources={"a": "2"})
        files = [
            head.add(float(good), parameters={"iterations": 50}, sources={"a": "1"}, repetition=repetition)
            for repetition, good in enumerate(VALUES)
        ]
        report = checked(baseline, head, Judging(outdated(files, superseded)))
        assert {f.verdict for f in report.findings if f.identity.method == "itq"} == {verdict}
        assert "new" not in report.counts


def test_other_kinds_of_device_are_left_out_with_a_note_and_hide_nothing_of_todays(
    folder: Folder, baseline: Baseline
) -> None:
    head = unchanged(folder("head"))
    for repetition in range(2):
        head.add(0.1, repetition=repetition, device="cuda")
    report = checked(baseline, head)
    assert (report.counts, report.exit_code) == ({"passed": 6}, 0)
    (note,) = report.notes
    assert note.startswith("itq 16 bits: left out: 2 of cuda, where another kind of device has as")


def test_a_crash_on_another_kind_of_device_fails_however_many_finished(folder: Folder, baseline: Baseline) -> None:
    head = unchanged(folder("head"))
    head.add_failed(device="cuda")
    report = checked(baseline, head)
    assert (finding(report).verdict, report.exit_code) == ("failed", 1)
    assert finding(report).reason == "1 of 7 repetitions: failed in fit: boom"


def test_outdated_records_of_another_kind_of_device_do_not_outvote_todays(folder: Folder, baseline: Baseline) -> None:
    head = unchanged(folder("head"))
    cpu = list(head.path.glob("records/*-itq-*.json"))
    for repetition in range(2):
        head.add(float(VALUES[repetition]), repetition=repetition, device="cuda")
    report = checked(baseline, head, Judging(outdated(cpu, STALE), repeats=2))
    assert finding(report).verdict == "passed"
    assert report.exit_code == 0


def test_a_crash_of_todays_code_beats_what_passed_before(folder: Folder, baseline: Baseline) -> None:
    head = folder("head")
    files = [head.add(float(value), repetition=repetition) for repetition, value in enumerate(VALUES)]
    for repetition in range(len(VALUES)):
        head.add_failed(repetition=repetition, parameters={"iterations": 3})
    for allow_stale in (False, True):
        judged = finding(checked(baseline, head, Judging(outdated(files, STALE), allow_stale=allow_stale)))
        assert (judged.verdict, judged.reason) == ("failed", "failed in fit: boom")


def test_a_cell_without_results_says_whether_its_method_is_here(folder: Folder, baseline: Baseline) -> None:
    head = folder("head")
    head.add(0.4, "pcah")
    judging = Judging(absent={"itq": "no method named 'itq'"})
    judged = finding(checked(baseline, head, judging))
    assert (judged.verdict, judged.reason) == ("gone", "not in the results, and no method named 'itq'")


def test_new_cells_and_improvements_do_not_fail(baseline: Baseline, folder: Folder) -> None:
    head = unchanged(folder("head"))
    head.add(0.1, "lsh")
    report = checked(baseline, head)
    assert (report.counts, report.exit_code) == ({"new": 1, "passed": 6}, 0)
    assert "--update-baseline takes what is improved or new" in printed(report)


def test_a_changed_default_is_judged_and_noted(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    base.add(0.5, parameters={"iterations": 50})
    head.add(0.4, parameters={"iterations": 3})
    report = checked(make_baseline(base.read()), head)
    assert finding(report).verdict == "regressed"
    assert report.notes == ("itq 16 bits: defaults changed since the baseline: iterations 50 -> 3",)


def test_nothing_in_common_is_nothing_to_compare(baseline: Baseline, folder: Folder) -> None:
    report = checked(baseline, folder("empty"))
    assert report.exit_code == 3
    assert printed(report) == (
        "results has no records of trials\n"
        "nothing to compare: results against baseline.json: 2 missing (not in the results)\n"
    )
    other = folder("other")
    other.add(0.5, "lsh")
    assert checked(baseline, other).exit_code == 3


def test_a_check_that_judges_no_figure_has_not_passed(baseline: Baseline, folder: Folder) -> None:
    bare = tuple(replace(cell, metrics={}) for cell in baseline.cells)
    report = checked(replace(baseline, cells=bare), unchanged(folder("head")))
    assert (report.findings, report.exit_code) == ((), 3)
    assert report.summary.startswith("nothing to compare")


def test_too_few_repetitions_are_noted_with_how_many_it_takes(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    base.add_runs(0.6 + 0.01 * stats.zscore(np.arange(20), ddof=1))
    head.add_runs([0.6, 0.6], machine="b")
    baseline = make_baseline(base.read())
    needed = baseline.cells[0].metrics["map@1000"].repetitions_needed
    assert needed is not None
    assert needed > 2
    (note,) = checked(baseline, head).notes
    assert note == f"itq 16 bits: 2 repetitions, {needed} are needed to see map@1000 drop by 0.03"
    enough = folder("enough")
    enough.add_runs([0.6] * needed, machine="b")
    assert checked(baseline, enough).notes == ()
    few = folder("few")
    few.add_runs([0.5, 0.6, 0.7])
    (note,) = checked(make_baseline(few.read()), head).notes
    assert (
        note == "itq 16 bits: 2 repetitions, and 3 in the baseline, too few on both sides to see map@1000 drop by 0.03"
    )


def test_damaged_files_are_noted(baseline: Baseline, folder: Folder) -> None:
    head = unchanged(folder("head"))
    (head.path / "records" / "damaged.json").write_text("{")
    report = checked(baseline, head)
    assert report.exit_code == 0
    assert "damaged.json cannot be read" in report.notes[0]


# Outputs


HOSTILE = '</failure><script>"&\x1b[31m\x00\n::error::x\uffffSURROGATE'


@pytest.fixture
def report(baseline: Baseline, folder: Folder) -> Report:
    """With every verdict and a hostile name."""
    base, head = folder("base"), folder("head")
    base.add(0.5, "lsh", bits=32)
    base.add(0.5, "gone")
    head.add_runs(VALUES - 0.01)
    head.add(0.5, "pcah")
    head.add(0.5, "lsh", bits=32)
    for file in (head.add_failed("gone", message=HOSTILE), head.add(0.5, "hostile" + HOSTILE)):
        file.write_text(file.read_text().replace("SURROGATE", r"\ud800"))
    report = checked(make_baseline(base.read()), head)
    assert set(report.counts) == {"regressed", "failed", "improved", "new", "passed"}
    return report


def printed(report: Report, width: int = 200) -> str:
    stream = io.StringIO()
    show(report, Console(file=stream, width=width, highlight=False))
    return stream.getvalue()


def test_text_shows_each_cell_and_whatever_did_not_pass(report: Report) -> None:
    text = printed(report)
    assert re.search(r"itq +16 +0\.6183 +0\.6083 +-0\.0100 +0\.0020 +=  ?6 +regressed", text)
    assert re.search(r"pcah +16 +0\.4000 +0\.5000 +\+0\.1000 +0\.0020 +=  ?1 +improved", text)
    assert re.search(r"  precision@100 +16 .* regressed", text)
    assert re.search(r"lsh +32 .* passed", text)
    assert "failed: gone 16 bits on digits/holdout-200, features pixels: failed in fit: </failure>" in text
    assert "\x1b" not in text
    assert text.splitlines()[-2].startswith("failed: results against baseline.json: 3 regressed, 1 failed, 3 improved")
    narrow = printed(report, width=80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert re.search(r"itq +16 +0\.6183", narrow)


def test_json_has_all_findings(report: Report) -> None:
    facts = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert (facts["exit_code"], facts["counts"]) == (1, report.counts)
    (itq,) = [f for f in facts["findings"] if f["cell"]["method"] == "itq" and f["metric"] == "map@all"]
    assert (itq["verdict"], itq["rule"], itq["runs"]) == ("regressed", "same runs", {"baseline": 6, "now": 6})
    assert itq["worse_by"] == pytest.approx(0.01)


def test_junit_is_xml_that_counts_right(report: Report) -> None:
    document = junit(report)
    root = ElementTree.fromstring(document.encode())
    cases = root.findall("testsuite/testcase")
    failures = [case for case in cases if case.find("failure") is not None]
    assert root.attrib["tests"] == str(len(cases)) == str(len(report.findings))
    assert root.attrib["failures"] == str(len(failures)) == "4"
    assert root.attrib["skipped"] == str(len(root.findall("testsuite/testcase/skipped"))) == "1"
    assert "<script>" not in document
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", document)
    by_name = {case.attrib["name"]: case for case in cases}
    (failure,) = by_name["itq 16 bits, map@1000"].findall("failure")
    assert failure.attrib["message"].startswith("0.6083 is 0.0100 below the baseline's 0.6183, 0.0020 is allowed")
    assert document == junit(report)


def test_github_has_a_command_for_each_finding_that_needs_a_look_errors_first(report: Report) -> None:
    lines = github(report).splitlines()
    commands = [re.fullmatch(r"::(error|warning|notice) title=([^:,]*)::(.*)", line) for line in lines]
    assert all(commands), lines
    kinds = [command[1] for command in commands if command]
    assert kinds == sorted(kinds, key=["error", "warning", "notice"].index)
    assert (kinds.count("error"), kinds.count("notice")) == (4, 4)
    assert any("title=regressed%3A itq 16 bits%2C map@1000::0.6083 is" in line for line in lines)


def test_nothing_to_compare_is_an_error_in_every_output(baseline: Baseline, folder: Folder) -> None:
    report = checked(baseline, folder("empty"))
    assert "nothing to compare" in github(report)
    root = ElementTree.fromstring(junit(report).encode())
    assert root.find("testsuite/testcase/error") is not None
    assert report.as_json()["exit_code"] == 3
