"""Baselines: what they hold, their bytes, and files that are none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hashbench.errors import UsageError
from hashbench.planning.suite import open_suite
from hashbench.reporting.regression.advice import advice
from hashbench.reporting.regression.baseline import make_baseline
from hashbench.reporting.regression.baseline_file import is_baseline, read_baseline, write_baseline
from tests.reporting.result_folder import ResultFolder

Folder = Callable[[str], ResultFolder]
VALUES = (0.60, 0.62, 0.61, 0.65, 0.612345678)


@pytest.fixture
def results(folder: Folder) -> ResultFolder:
    """ITQ with five repetitions and another metric for one of them, and a method with one."""
    made = folder("results")
    made.add_runs(VALUES, variant={"iterations": 3}, parameters={"iterations": 3})
    made.add_runs(VALUES, bits=32, card={"cutoff": 5000}, metrics={"map@5000": 0.5})
    made.add(0.4, "pcah")
    return made


def written(results: ResultFolder, file: Path) -> dict[str, Any]:
    write_baseline(make_baseline(results.read()), file)
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def test_a_cell_has_its_runs_their_values_spread_and_tolerance(results: ResultFolder, tmp_path: Path) -> None:
    content = written(results, tmp_path / "baseline.json")
    itq, pcah = (
        next(c for c in content["cells"] if (c["method"], c["bits"]) == n) for n in (("itq", 16), ("pcah", 16))
    )
    assert itq["runs"] == ["0/0", "0/1", "0/2", "0/3", "0/4"]
    figure = itq["metrics"]["map@1000"]
    assert figure["values"] == [0.6, 0.62, 0.61, 0.65, 0.612346]
    assert figure["mean"] == pytest.approx(np.mean(VALUES), abs=1e-6)
    assert figure["sd"] == pytest.approx(np.std(VALUES, ddof=1), abs=1e-6)
    figures = 3 + 4  # of the cells with several runs; the cutoff's mAP is one more
    bound = stats.t.ppf(1 - 0.001 / figures, 4) * np.std(VALUES, ddof=1) * np.sqrt(2 / 5)
    assert figure["tolerance"] == {"same": 0.002, "other": pytest.approx(bound, abs=1e-5)}
    assert pcah["metrics"]["map@1000"]["tolerance"] == {"same": 0.002, "other": 0.005}
    assert pcah["metrics"]["map@1000"]["sd"] is None
    assert content["directions"] == dict.fromkeys(("map@1000", "map@all", "precision@100", "map@5000"), "up")
    (environment,) = content["environments"]
    assert {cell["environment"] for cell in content["cells"]} == {environment}
    assert content["environments"][environment]["hardware"]["cpu"] == "cpu a"


def test_a_baseline_is_read_as_it_was_written(results: ResultFolder, tmp_path: Path) -> None:
    file = tmp_path / "new" / "baseline.json"
    baseline = make_baseline(results.read())
    write_baseline(baseline, file)
    assert read_baseline(file) == baseline
    assert is_baseline(file)
    assert [entry.name for entry in file.parent.iterdir()] == ["baseline.json"]


def test_the_same_records_give_the_same_bytes(results: ResultFolder, folder: Folder, tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.json"
    written(results, one)
    again = folder("again")
    again.add(0.4, "pcah")
    for repetition in (3, 0, 4, 1, 2):
        more: dict[str, Any] = {"repetition": repetition, "sources": {"a": "1" * 16}}
        again.add(VALUES[repetition], bits=32, card={"cutoff": 5000}, metrics={"map@5000": 0.5}, **more)
        again.add(VALUES[repetition], variant={"iterations": 3}, parameters={"iterations": 3}, **more)
    written(again, two)
    assert one.read_bytes() == two.read_bytes()
    written(results, one)
    assert one.read_bytes() == two.read_bytes()


def test_people_can_read_it(results: ResultFolder, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    results.add_runs(np.linspace(0.5, 0.6, 60), "lsh")
    written(results, file)
    lines = file.read_text().splitlines()
    assert max(map(len, lines)) <= 120
    assert len(lines) < 250
    assert len(read_baseline(file).cells) == 4
    assert '   "runs": ["0/0", "0/1", "0/2", "0/3", "0/4"],' in lines


def test_only_metrics_that_all_runs_have_are_judged(folder: Folder, tmp_path: Path) -> None:
    results = folder("results")
    results.add_runs(VALUES, metrics={"map@all": None})
    results.add(0.5, repetition=5, metrics={"precision@100": float("nan")})
    (cell,) = written(results, tmp_path / "baseline.json")["cells"]
    assert set(cell["metrics"]) == {"map@1000"}


def test_a_cell_without_the_headline_does_not_become_a_baseline(folder: Folder) -> None:
    results = folder("results")
    results.add(0.5, bits=32)
    results.add(0.5)
    results.add(None, repetition=1)
    with pytest.raises(UsageError, match=r"^itq 16 bits on .*: map@1000 is not a number in 1 of 2 repetitions, wanted"):
        make_baseline(results.read())


def test_advice_names_metrics_that_are_not_judged(folder: Folder) -> None:
    results = folder("results")
    results.add_runs(VALUES, metrics={"map@all": None}, card={"cutoff": 5000})
    results.add_runs(VALUES, bits=32, metrics={"map@5000": 0.5}, card={"cutoff": 5000})
    lines = [line for line in advice(make_baseline(results.read()), None) if line.startswith("not judged")]
    assert lines == ["not judged, since it is not a number in some repetition: itq 16 bits, map@all, map@5000"]


def test_runs_of_several_machines_or_seeds_are_one_cell(folder: Folder, tmp_path: Path) -> None:
    results = folder("results")
    results.add(0.5)
    results.add(0.6, seed=7, machine="b")
    content = written(results, tmp_path / "baseline.json")
    (cell,) = content["cells"]
    assert (cell["runs"], cell["environment"], len(content["environments"])) == (["0/0", "7/0"], None, 2)


def test_what_failed_or_is_damaged_does_not_become_a_baseline(results: ResultFolder, folder: Folder) -> None:
    results.add_failed("odd", "skipped", "not for 16 bits")
    assert len(make_baseline(results.read()).cells) == 3
    results.add_failed(repetition=6, message="boom\nmore")
    with pytest.raises(UsageError, match=r"itq 16 bits: failed in fit: boom; run it again") as error:
        make_baseline(results.read())
    assert "\n" not in str(error.value)
    damaged = folder("damaged")
    damaged.add(0.5).write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        make_baseline(damaged.read())


def test_names_that_are_no_text_for_a_file_are_kept(folder: Folder, tmp_path: Path) -> None:
    results = folder("results")
    file = results.add(0.5)
    file.write_text(file.read_text().replace('"itq"', r'"a\ud800\n\u001b[ x  y ]"'))
    written(results, tmp_path / "baseline.json")
    (cell,) = read_baseline(tmp_path / "baseline.json").cells
    assert cell.identity.method == "a\ud800\n\x1b[ x  y ]"


def test_advice_says_what_changed_and_what_has_too_few_repetitions(results: ResultFolder, folder: Folder) -> None:
    now, before = make_baseline(results.read()), folder("before")
    lines = "\n".join(advice(now, None))
    assert "new:" not in lines
    assert "itq [iterations=3] 16 bits: 5; " in lines
    before.add(0.5, "pcah", features="gist")
    before.add(0.5, "lsh")
    lines = "\n".join(advice(now, make_baseline(before.read())))
    assert "gone: lsh 16 bits on digits/holdout-200, features pixels" in lines
    assert "new: itq 32 bits" in lines
    assert "replaced: pcah 16 bits on digits/holdout-200, features pixels (other features: gist / pixels)" in lines
    (line,) = advice(make_baseline(before.read()), None)
    assert line.startswith("each cell has one repetition")


def spoilt(content: dict[str, Any], path: str, value: Any) -> None:
    """Put ``value`` at "cells.0.bits"; remove what is there where it is None."""
    *parents, last = path.split(".")
    at: Any = content
    for parent in parents:
        at = at[int(parent)] if isinstance(at, list) else at[parent]
    if value is ...:
        del at[last]
    else:
        at[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("kind", "other", "is no baseline of hashbench"),
        ("format", 2, ": format is 2, wanted 1; restore it or make it anew from results"),
        ("cells", ..., "lacks cells, wanted a list"),
        ("cells", {}, "cells is {}, wanted a list"),
        ("environments", 3, "environments is 3, wanted a table"),
        ("directions", {"map@1000": "left"}, "directions.map@1000 is 'left', wanted up or down"),
        ("directions", {}, r"cells\[0\].metrics.map@1000 has no direction"),
        ("cells.0.bits", "16", r"cells\[0\].bits is '16', wanted a whole number or null"),
        ("cells.0.bits", True, r"cells\[0\].bits is True"),
        ("cells.0.method", ..., r"cells\[0\] lacks method, wanted a text"),
        ("cells.0.runs", ["0"], r"cells\[0\].runs\[0\] is '0', wanted root seed and repetition"),
        ("cells.0.runs", [7], r"cells\[0\].runs\[0\] is 7"),
        ("cells.0.runs", [], r"runs is \[\], wanted a list of at least one run"),
        ("cells.0.runs", ["0/0", "0/0"], "runs has one twice, wanted each once"),
        ("cells.0.runs", ["0/0"], "values are 5, wanted one for each of the 1 runs"),
        ("cells.0.metrics", {}, r"cells\[0\].metrics lacks map@1000, by which a cell is judged"),
        ("cells.0.metrics.map@1000", ..., r"cells\[0\].metrics lacks map@1000"),
        ("cells.0.metrics.map@1000", [], "map@1000 is \\[\\], wanted a table"),
        ("cells.0.metrics.map@1000.mean", "x" * 10_000, "map@1000.mean is 'xxx.* wanted a number; restore"),
        ("cells.0.metrics.map@1000.mean", 0.5, "mean is 0.5, wanted that of its values"),
        ("cells.0.metrics.map@1000.mean", float("nan"), "mean is nan, wanted a number"),
        ("cells.0.metrics.map@1000.values", [1, 2, 3, 4, None], r"map@1000.values\[4\] is None, wanted a number"),
        ("cells.0.metrics.map@1000.tolerance", 0.1, "tolerance is 0.1, wanted a table"),
        ("cells.0.metrics.map@1000.tolerance.same", -1, "tolerance.same is -1, wanted a number of at least 0"),
        (
            "cells.0.metrics.map@1000.tolerance.other",
            "1",
            "other is '1', wanted a number of at least 0 or null",
        ),
    ],
)
def test_a_spoilt_baseline_is_one_line(
    results: ResultFolder, tmp_path: Path, path: str, value: Any, message: str
) -> None:
    file = tmp_path / "baseline.json"
    content = written(results, file)
    spoilt(content, path, value)
    file.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=message) as error:
        read_baseline(file)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    assert str(file) in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, '{"format": 2, "key": "x"}', "\ud800"])
def test_what_is_no_baseline_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "baseline.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert not is_baseline(file)
    with pytest.raises(UsageError, match=r"cannot be read|is no baseline") as error:
        read_baseline(file)
    assert "\n" not in str(error.value)


def test_a_baseline_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no baseline .* hashbench check --update-baseline makes it"):
        read_baseline(tmp_path / "gone.json")


def test_the_projects_own_baseline_is_of_its_suite() -> None:
    file = Path(__file__).parents[3] / "results" / "baseline.json"
    if not file.exists():
        pytest.skip("results/baseline.json is not beside the tests")
    cells = [cell for cell in read_baseline(file).cells if not cell.identity.method.startswith("reference-")]
    runs = open_suite("ci").runs
    assert {(cell.identity.method, cell.identity.bits, cell.identity.preset) for cell in cells} == {
        (method, bits, run.preset) for run in runs for method in run.methods for bits in run.bits
    }
    repeats = {(method, bits): run.repeats for run in runs for method in run.methods for bits in run.bits}
    for cell in cells:
        needed = cell.metrics["map@1000"].repetitions_needed
        if cell.identity.method == "itq" and cell.identity.bits:
            assert needed is not None
            assert needed <= repeats["itq", cell.identity.bits]
