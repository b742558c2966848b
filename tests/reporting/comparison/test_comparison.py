"""Comparison of two sides, against plain recomputation by other means."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console
from scipy import stats

from hashbench.errors import UsageError
from hashbench.records.outdated import Outdated
from hashbench.records.results import Results
from hashbench.reporting.comparison.compare import compare
from hashbench.reporting.comparison.result import ComparedCell
from hashbench.reporting.comparison.views import as_json, markdown, show
from hashbench.reporting.plain_text import plain
from tests.reporting.result_folder import ResultFolder

Folder = Callable[[str], ResultFolder]
QUERIES = 200
STALE = Outdated("stale", "methods/itq.py changed")


def ap(centre: float, seed: int, spread: float = 0.1) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(centre, spread, QUERIES)


def by_label(first: ResultFolder, second: ResultFolder) -> dict[str, ComparedCell]:
    return {cell.label: cell for cell in compare(first.path, second.path).cells}


def printed(first: ResultFolder, second: ResultFolder, width: int = 120) -> str:
    stream = io.StringIO()
    show(compare(first.path, second.path), Console(file=stream, width=width, highlight=False))
    return stream.getvalue()


def test_verdicts_are_those_of_paired_tests_with_holms_correction(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    shifts = {8: -0.03, 16: 0.0, 24: 0.03, 32: 0.004, 40: -0.02, 48: 0.0}
    p_values = {}
    for bits, shift in shifts.items():
        before = ap(0.5, bits)
        after = before + shift + ap(0.0, bits + 1000, spread=0.05)
        base.add(bits=bits, ap=before)
        head.add(bits=bits, ap=after)
        p_values[bits] = stats.ttest_rel(after, before).pvalue
    adjusted, highest = {}, 0.0
    for step, (bits, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, (len(shifts) - step) * p)
        adjusted[bits] = min(1.0, highest)
    cells = by_label(base, head)
    for bits, shift in shifts.items():
        cell = cells[f"itq {bits} bits"]
        wanted = "no evidence" if adjusted[bits] >= 0.05 else "better" if shift > 0 else "worse"
        assert cell.verdict == wanted, (bits, adjusted)
        assert cell.adjusted_p == pytest.approx(adjusted[bits], abs=0.03)
    assert {"better", "worse", "no evidence"} <= {cell.verdict for cell in cells.values()}


def test_figures_are_those_of_scipy(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    before, after = ap(0.5, 1), ap(0.53, 2)
    before[3] = np.nan
    base.add(ap=before)
    head.add(ap=after)
    (cell,) = compare(base.path, head.path).cells
    difference = np.delete(after - before, 3)
    assert cell.paired is not None
    assert cell.means == pytest.approx((np.delete(before, 3).mean(), np.delete(after, 3).mean()))
    assert cell.paired.difference == pytest.approx(difference.mean())
    assert cell.paired.effect == pytest.approx(difference.mean() / difference.std(ddof=1))
    interval = stats.bootstrap((difference,), np.mean, method="percentile", n_resamples=20_000, rng=0)
    assert (cell.paired.low, cell.paired.high) == pytest.approx(tuple(interval.confidence_interval), abs=0.002)


def test_repetitions_that_both_have_are_averaged_query_by_query(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    values = {repetition: ap(0.5, repetition) for repetition in range(4)}
    for repetition in (0, 1, 2):
        base.add(ap=values[repetition], repetition=repetition)
    for repetition in (1, 2, 3):
        head.add(ap=values[repetition] + (repetition == 2) * 0.1, repetition=repetition)
    (cell,) = compare(base.path, head.path).cells
    assert (cell.runs, cell.same_runs) == ((2, 2), True)
    assert cell.paired is not None
    assert cell.paired.difference == pytest.approx(0.05)
    assert cell.means is not None
    assert cell.means[0] == pytest.approx((values[1].mean() + values[2].mean()) / 2)


def test_other_seeds_are_averaged_over_all_and_named(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    for repetition in range(3):
        base.add(ap=ap(0.5, repetition), repetition=repetition)
    head.add(ap=ap(0.5, 0), seed=7)
    (cell,) = compare(base.path, head.path).cells
    assert (cell.runs, cell.same_runs) == ((3, 1), False)
    assert " 3 / 1 " in printed(base, head)


def test_the_same_codes_are_equal_though_sources_and_machines_differ(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    values = ap(0.5, 0)
    values[0] = np.nan
    base.add(ap=values, files={"methods/itq.py": "1" * 16})
    head.add(ap=values, files={"methods/itq.py": "2" * 16}, machine="b", versions="2")
    comparison = compare(base.path, head.path)
    assert comparison.counts == {"equal": 1}
    assert comparison.cells[0].paired is not None
    assert comparison.cells[0].paired.difference == 0
    assert comparison.exit_code == 0


def test_codes_that_do_not_hang_on_the_seed_are_equal_whatever_the_number_of_runs(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    for repetition in range(3):
        base.add(ap=ap(0.5, 0), repetition=repetition)
        base.add(ap=ap(0.5, 1) - 0.004, bits=32, repetition=repetition)
    for repetition in range(2):
        head.add(ap=ap(0.5, 0), repetition=repetition, seed=1)
        head.add(ap=ap(0.5, 2), bits=32, repetition=repetition, seed=1)
    equal, differs = sorted(compare(base.path, head.path).cells, key=lambda cell: cell.identity.bits or 0)
    assert (equal.runs, equal.verdict) == ((3, 2), "equal")
    assert differs.paired is not None
    assert differs.adjusted_p == differs.paired.p < 1


def test_references_and_equal_cells_are_shown_and_not_counted(folder: Folder) -> None:
    base, head, other = folder("base"), folder("head"), folder("other")
    before = ap(0.5, 1)
    after = before - 0.004 + ap(0.0, 2, spread=0.02)
    base.add(ap=before)
    head.add(ap=after)
    other.add(ap=before, method="lsh")
    for bits in range(8, 16):
        base.add(ap=before, bits=bits)
        head.add(ap=before, bits=bits)
    for side in (base, head, other):
        for bits in range(8, 16):
            side.add(ap=ap(0.1, len(side.path.name) + bits), method="reference-random", bits=bits)
    comparison = compare(base.path, head.path)
    (cell,) = [cell for cell in comparison.cells if cell.label == "itq 16 bits"]
    assert cell.paired is not None
    assert cell.adjusted_p == cell.paired.p
    assert cell.adjusted_p == pytest.approx(stats.ttest_rel(after, before).pvalue, abs=0.03)
    assert comparison.counts == {"worse": 1, "equal": 8, "reference": 8}
    assert (comparison.compared, comparison.exit_code) == (9, 1)
    assert "reference-random" in printed(base, head)
    alone = compare(base.path, other.path)
    assert alone.counts == {"reference": 8, "missing": 10}
    assert alone.exit_code == 3
    assert as_json(alone)["cells"][-1]["adjusted_p"] is None


def test_queries_may_come_in_another_order(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    values, order = ap(0.5, 0), np.random.default_rng(0).permutation(QUERIES)
    base.add(ap=values)
    head.add(ap=values[order], items=order)
    assert compare(base.path, head.path).counts == {"equal": 1}


def test_what_cannot_be_compared_says_why(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    values = ap(0.5, 0)
    for bits in range(8, 15):
        base.add(ap=values, bits=bits)
    head.add(ap=values, bits=8, card={"id": "d" * 16})
    head.add(bits=9)
    head.add(ap=values, bits=10, items=np.arange(QUERIES) + 1)
    head.add_failed(bits=11, message="boom\nmore")
    head.add(ap=np.full(QUERIES, np.nan), bits=12)
    head.add(ap=values, bits=14).with_suffix(".npz").write_bytes(b"cut")
    head.add(ap=values, bits=99)
    cells = by_label(base, head)
    reasons = {label: (cell.verdict, cell.reason) for label, cell in cells.items()}
    assert reasons["itq 8 bits"] == ("incomparable", "other protocol card: cccccccccccccccc / dddddddddddddddd")
    assert reasons["itq 9 bits"][0] == "incomparable"
    assert reasons["itq 9 bits"][1].startswith("no AP per query beside ")
    assert reasons["itq 10 bits"] == ("incomparable", "other queries")
    assert reasons["itq 11 bits"] == ("failed", "B has none: failed in fit: boom")
    assert reasons["itq 12 bits"] == ("incomparable", "no query is answered by both")
    assert reasons["itq 13 bits"] == ("missing", "not in B")
    assert "cannot be read" in reasons["itq 14 bits"][1]
    assert reasons["itq 99 bits"] == ("missing", "not in A")
    assert compare(base.path, head.path).exit_code == 1
    assert compare(head.path, base.path).exit_code == 3
    text = printed(base, head, width=1000)
    for label, (verdict, reason) in reasons.items():
        assert f"{label} on digits/holdout-200, features pixels: {verdict}: {plain(reason)}" in text


def test_a_damaged_record_is_named_and_the_rest_compared(folder: Folder) -> None:
    base = folder("base")
    base.add(ap=ap(0.5, 0))
    base.add(ap=ap(0.5, 0), bits=32).write_text("{")
    comparison = compare(base.path, base.path)
    assert comparison.counts == {"equal": 1}
    assert len(comparison.faults) == 2
    assert all("itq-32" in fault for fault in comparison.faults)


def test_a_failed_repetition_and_changed_defaults_are_remarked(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    base.add(ap=ap(0.5, 0), parameters={"iterations": 50})
    head.add(ap=ap(0.5, 0), parameters={"iterations": 30})
    head.add_failed(repetition=1, parameters={"iterations": 30})
    (cell,) = compare(base.path, head.path).cells
    assert (cell.verdict, cell.adjusted_p) == ("failed", 1.0)
    assert cell.reason == "B: 1 of 2 repetitions: failed in fit: boom; defaults changed: iterations 50 -> 30"


def test_cells_of_b_that_failed_fail_though_others_compare_and_those_of_a_are_named(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    for side, bits in ((base, 32), (head, 48)):
        for each in (16, 32, 48):
            if each == bits:
                side.add_failed(bits=each)
            else:
                side.add(ap=ap(0.5, each), bits=each)
    head.add_failed("lsh")
    head.add_failed("skips", "skipped", "64 bits from 32 dimensions")
    comparison = compare(base.path, head.path)
    assert (comparison.counts, comparison.exit_code) == ({"failed": 2, "equal": 1, "missing": 1, "incomparable": 1}, 1)
    reasons = {cell.label: cell.reason for cell in comparison.cells}
    assert reasons["itq 32 bits"] == "A has none: failed in fit: boom"
    assert reasons["itq 48 bits"] == "B has none: failed in fit: boom"
    assert reasons["lsh 16 bits"] == "not in A; B: failed in fit: boom"
    assert "Failed: trials of B did not finish." in printed(base, head, width=1000)
    facts = as_json(comparison)
    assert facts["exit_code"] == 1
    assert ("failed", "B has none: failed in fit: boom") in {(f["verdict"], f["reason"]) for f in facts["cells"]}
    page = markdown(comparison)
    assert "* itq 48 bits on digits/holdout-200, features pixels: failed: B has none: failed in fit: boom\n" in page


def test_what_b_skips_and_a_has_fails(folder: Folder) -> None:
    base, head, both = folder("base"), folder("head"), folder("both")
    for bits in (16, 32):
        base.add(ap=ap(0.5, bits), bits=bits)
    for side in (head, both):
        side.add(ap=ap(0.5, 16))
        side.add_failed(bits=32, status="skipped", message="not 32")
    assert compare(base.path, head.path).counts == {"failed": 1, "equal": 1}
    assert compare(head.path, both.path).counts == {"equal": 1, "incomparable": 1}


def test_b_has_to_be_what_todays_code_makes_and_a_need_not(folder: Folder) -> None:
    old, new = folder("old"), folder("new")
    old.add(ap=ap(0.5, 0), sources={"a": "1"})
    new.add(ap=ap(0.5, 0), sources={"a": "2"})
    (stale,) = [record["key"] for record in old.read().records]

    def find(results: Results) -> dict[str, Outdated]:
        return {record["key"]: STALE for record in results.records if record["key"] == stale}

    assert compare(old.path, new.path, find).counts == {"equal": 1}
    comparison = compare(new.path, old.path, find)
    assert (comparison.counts, comparison.exit_code) == ({"stale": 1}, 1)
    assert comparison.cells[0].reason == "B: methods/itq.py changed"
    assert "Stale, superseded, gone: today's code would not make these results" in markdown(comparison)
    allowed = compare(new.path, old.path, find, allow_stale=True)
    assert (allowed.counts, allowed.exit_code) == ({"equal": 1}, 0)
    assert allowed.cells[0].reason == "B is judged though stale: methods/itq.py changed"
    first, second = (next(side.path.glob("records/*.json")) for side in (new, old))
    single = compare(first, second, find)
    assert (single.counts, single.exit_code) == ({"equal": 1}, 0)
    assert single.cells[0].reason == "B is stale: methods/itq.py changed"


def test_worse_stays_worse_where_repetitions_failed(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    base.add(ap=ap(0.5, 0))
    head.add(ap=ap(0.4, 0))
    head.add_failed(repetition=1)
    (cell,) = compare(base.path, head.path).cells
    assert (cell.verdict, cell.reason) == ("worse", "B: 1 of 2 repetitions: failed in fit: boom")


def test_the_newest_record_of_a_trial_counts(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    base.add(ap=ap(0.5, 0))
    head.add(ap=ap(0.3, 1), files={"a": "1" * 16})
    head.add(ap=ap(0.5, 0), files={"a": "2" * 16})
    assert compare(base.path, head.path).counts == {"equal": 1}


def test_two_records_are_compared_whatever_their_methods(folder: Folder) -> None:
    base = folder("base")
    first, second = base.add(ap=ap(0.4, 0), method="lsh"), base.add(ap=ap(0.5, 1), method="itq", bits=32)
    comparison = compare(first, second)
    assert comparison.counts == {"better": 1}
    assert comparison.cells[0].label == "lsh 16 bits -> itq 32 bits"
    other = base.add(ap=ap(0.5, 1), features="gist")
    assert compare(first, other).cells[0].reason == "other features: pixels / gist"
    assert compare(first, other).exit_code == 3


def test_sides_that_are_no_results_are_refused(folder: Folder, tmp_path: Path) -> None:
    base = folder("base")
    record = base.add(ap=ap(0.5, 0))
    rates = base.add_rates(record)
    (tmp_path / "baseline.json").write_text('{"kind": "hashbench baseline"}')
    for second, message in (
        (tmp_path / "gone", "no result folder or record"),
        (rates, "no record of a trial"),
        (tmp_path / "baseline.json", "is a baseline, without AP per query"),
    ):
        with pytest.raises(UsageError, match=message):
            compare(record, second)
    with pytest.raises(UsageError, match="are a folder and a file"):
        compare(record, base.path)


def test_hostile_names_do_no_harm(folder: Folder) -> None:
    base = folder("base")
    base.add(ap=ap(0.5, 0), method="<script>|a`\x1b[31m[bold]x\n| y")
    text, page = printed(base, base), markdown(compare(base.path, base.path))
    assert "\x1b" not in text + page
    assert "[bold]" in text
    assert "<script>" not in page
    (line,) = [line for line in page.splitlines() if line.endswith("| equal |")]
    assert len(re.findall(r"(?<!\\)\|", line)) == 11


def test_views_agree_and_are_the_same_bytes(folder: Folder) -> None:
    base, head = folder("base"), folder("head")
    base.add(ap=ap(0.5, 0))
    head.add(ap=ap(0.6, 1))
    facts = as_json(compare(base.path, head.path))
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    (cell,) = facts["cells"]
    assert (cell["verdict"], cell["runs"], cell["second"]["bits"]) == ("better", [1, 1], 16)
    page = markdown(compare(base.path, head.path))
    assert f"| {cell['means'][0]:.3f} | {cell['means'][1]:.3f} | {cell['difference']:+.4f} |" in page
    assert page == markdown(compare(base.path, head.path))
    assert f"{cell['difference']:+.4f}" in printed(base, head, width=80)
    assert "better" in printed(base, head, width=80)
