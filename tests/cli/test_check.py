"""The verbs ``check`` and ``compare``: exit codes, files and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from hashbench.records.outdated import none_outdated
from tests.cli.conftest import Done
from tests.reporting.result_folder import ResultFolder

Call = Callable[..., Done]


@pytest.fixture(autouse=True)
def of_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records made by hand count as what today's code makes."""
    monkeypatch.setattr("hashbench.replay.gates.outdated_records", none_outdated)


@pytest.fixture
def results(tmp_path: Path) -> ResultFolder:
    """``results`` in the folder in which ``call`` calls, with ITQ in three repetitions."""
    made = ResultFolder(tmp_path / "results")
    for repetition, value in enumerate((0.6, 0.61, 0.62)):
        made.add(value, ap=np.full(20, value), repetition=repetition)
    return made


@pytest.fixture
def worse(tmp_path: Path) -> ResultFolder:
    made = ResultFolder(tmp_path / "worse")
    made.add(0.5, ap=np.linspace(0.4, 0.6, 20))
    return made


def test_a_baseline_is_made_checked_and_failed(
    call: Call, results: ResultFolder, worse: ResultFolder, tmp_path: Path
) -> None:
    done = call("check", "--baseline", "gate/baseline.json", "--update-baseline")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("gate/baseline.json: 1 cells of 3 repetitions; judged: map@1000, map@all, precision@100\n")
    first = (tmp_path / "gate/baseline.json").read_bytes()
    assert call("check", "--baseline", "gate/baseline.json", "--update-baseline").code == 0
    assert (tmp_path / "gate/baseline.json").read_bytes() == first
    done = call("check", "--baseline", "gate/baseline.json")
    assert done.code == 0
    assert done.out.endswith("passed: results against gate/baseline.json: 3 passed\n")
    done = call("check", "--baseline", "gate/baseline.json", "--results", "worse")
    assert done.code == 1
    assert "failed: worse against gate/baseline.json: 3 regressed, 1 missing" in done.out
    done = call("check", "--baseline", "gate/baseline.json", "--results", "worse", "--repeats", "1")
    assert done.code == 1
    assert done.out.endswith("failed: worse against gate/baseline.json: 3 regressed\n")


def test_outputs_go_to_files_beside_what_is_printed(
    call: Call, results: ResultFolder, worse: ResultFolder, tmp_path: Path
) -> None:
    call("check", "--baseline", "b.json", "--update-baseline")
    given = ("check", "--baseline", "b.json", "--results", "worse", "--repeats", "1")
    words = (*given, "--output", "out/c.xml", "--output", "out/c.json")
    done = call(*words, "--format", "github")
    assert done.code == 1
    assert done.out.index("failed: worse against b.json") < done.out.index("::error title=regressed")
    assert ElementTree.parse(tmp_path / "out/c.xml").getroot().attrib["failures"] == "3"
    facts = json.loads((tmp_path / "out/c.json").read_text())
    assert facts == json.loads(call(*words, "--json").out)


def test_a_report_whose_file_cannot_be_written_is_printed(
    call: Call, results: ResultFolder, worse: ResultFolder, tmp_path: Path
) -> None:
    call("check", "--baseline", "b.json", "--update-baseline")
    (tmp_path / "blocked").write_text("")
    words = ("check", "--baseline", "b.json", "--results", "worse", "--repeats", "1")
    done = call(*words, "--output", "blocked/c.xml")
    assert done.code == 2
    assert "failed: worse against b.json" in done.out
    assert "blocked cannot be written" in done.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "name either --baseline FILE or --throughput DIR"),
        (("--baseline", "b.json", "--throughput", "results"), "name either --baseline FILE or --throughput DIR"),
        (("--throughput", "results", "--update-baseline"), "--update-baseline needs --baseline FILE"),
        (("--baseline", "gone.json"), "no baseline 'gone.json'"),
        (("--baseline", "broken.json"), "baseline broken.json cannot be read"),
        (("--baseline", "broken.json", "--update-baseline"), "baseline broken.json cannot be read"),
        (("--baseline", "b.json", "--output", "x.txt"), "--output 'x.txt' ends in '.txt', wanted .json or .xml"),
        (("--baseline", "b.json", "--slower", "20"), "--slower judges rates, it needs --throughput DIR"),
        (("--throughput", "results", "--repeats", "3"), "--repeats is about a baseline, it needs --baseline FILE"),
        (("--baseline", "b.json", "--repeats", "0"), "repeats is 0, wanted a whole number from 1 to 1000000000"),
        (("--baseline", "b.json", "--update-baseline", "--repeats", "3"), "checks nothing, leave --repeats out"),
        (("--baseline", "b.json", "--update-baseline", "--json"), "checks nothing, leave --json out"),
        (("--baseline", "b.json", "--update-baseline", "--format", "text"), "checks nothing, leave --format out"),
        (
            ("--baseline", "b.json", "--update-baseline", "--output", "x.xml", "--json"),
            "--update-baseline checks nothing, leave --json and --output out",
        ),
        (("--throughput", "results", "--slower", "0"), "--slower is 0, wanted more than 0"),
        (("--baseline", "b.json", "--results", "gone"), "no result folder 'gone'; hashbench run --results makes one"),
        (("--baseline", "b.json", "--results", "gone", "--update-baseline"), "no result folder 'gone'"),
        (("--throughput", "results", "--results", "gone"), "no result folder 'gone'"),
        (("--throughput", "gone"), "no result folder 'gone'"),
        (("--baseline", "b.json", "--results", "b.json"), "results 'b.json' is a file, wanted a folder"),
    ],
)
def test_wrong_usage_exits_with_2_and_writes_nothing(
    call: Call, results: ResultFolder, tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    (tmp_path / "broken.json").write_text("{")
    call("check", "--baseline", "b.json", "--update-baseline")
    done = call("check", *words)
    assert (done.code, done.out) == (2, "")
    assert line in done.err
    assert (tmp_path / "broken.json").read_text() == "{"
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.is_file()) == ["b.json", "broken.json"]


@pytest.mark.parametrize(
    ("left", "why"),
    [
        ('{"kind": "hashbench baseline", "format": 0}', "format is 0, wanted 1"),
        ('<<<<<<< main\n{\n "kind": "hashbench baseline",\n', "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_baseline_that_cannot_be_read_is_made_anew(
    call: Call, results: ResultFolder, tmp_path: Path, left: str, why: str
) -> None:
    call("check", "--baseline", "b.json", "--update-baseline")
    wanted = (tmp_path / "b.json").read_bytes()
    (tmp_path / "b.json").write_text(left)
    done = call("check", "--baseline", "b.json", "--update-baseline")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("the old baseline could not be compared with the new one")
    assert why in done.out.splitlines()[0]
    assert (tmp_path / "b.json").read_bytes() == wanted


def test_nothing_to_compare_exits_with_3(call: Call, results: ResultFolder, tmp_path: Path) -> None:
    call("check", "--baseline", "b.json", "--update-baseline")
    before = (tmp_path / "b.json").read_bytes()
    (tmp_path / "empty").mkdir()
    assert call("check", "--baseline", "b.json", "--results", "empty").code == 3
    assert call("check", "--baseline", "b.json", "--results", "empty", "--update-baseline").code == 3
    assert (tmp_path / "b.json").read_bytes() == before
    assert call("check", "--throughput", "results").code == 3
    assert call("compare", "results", "empty").code == 3


def test_records_that_cannot_be_read_are_named_where_nothing_is_left_to_compare(
    call: Call, results: ResultFolder, worse: ResultFolder
) -> None:
    call("check", "--baseline", "b.json", "--update-baseline")
    for record in (worse.path / "records").glob("*.json"):
        record.write_text("{")
    done = call("check", "--baseline", "b.json", "--results", "worse")
    assert done.code == 3
    assert "cannot be read" in " ".join(done.out.split())


def test_a_failed_trial_does_not_become_a_baseline(call: Call, results: ResultFolder, tmp_path: Path) -> None:
    results.add_failed(repetition=3)
    done = call("check", "--baseline", "b.json", "--update-baseline")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "hashbench: itq 16 bits: 1 of 4 repetitions: failed in fit: boom; run it again before it enters a baseline\n"
    )
    assert not (tmp_path / "b.json").exists()


def test_rates_are_judged_apart(call: Call, results: ResultFolder, worse: ResultFolder) -> None:
    for repetition in (1, 2):
        worse.add(0.5, repetition=repetition)
    for made, scale in ((results, 1.0), (worse, 0.5)):
        for record in sorted((made.path / "records").glob("*.json")):
            made.add_rates(record, scale)
    done = call("check", "--throughput", "results", "--results", "worse")
    assert done.code == 1
    assert "failed: worse against results: 3 slower" in done.out
    assert call("check", "--throughput", "results", "--results", "worse", "--slower", "60").code == 0
    assert json.loads(call("check", "--throughput", "results", "--results", "worse", "--json").out)["exit_code"] == 1


def test_compare_exits_with_1_where_something_is_worse(call: Call, results: ResultFolder, worse: ResultFolder) -> None:
    done = call("compare", "results", "worse")
    assert done.code == 1
    assert "B = worse against A = results: 1 worse" in done.out
    assert call("compare", "worse", "results").code == 0
    assert call("compare", "results", "results").out.endswith("B = results against A = results: 1 equal\n")
    assert json.loads(call("compare", "results", "worse", "--json").out)["counts"] == {"worse": 1}
    assert call("compare", "results", "worse", "--format", "md").out.startswith("# Comparison\n")
    done = call("compare", "results", "gone")
    assert (done.code, done.out) == (2, "")
    assert done.err == "hashbench: no result folder or record 'gone'; hashbench run --results makes one\n"
