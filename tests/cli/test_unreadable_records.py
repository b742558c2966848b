"""Files among the records that nobody can read: named in one line, counted as absent, left as they are; every verb."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hashbench.execution import measure as execution_measure
from hashbench.records.schema import FORMAT
from tests.cli.conftest import Done

Call = Callable[..., Done]
Fault = Callable[[Path, bytes], None]


def _newer(file: Path, content: bytes) -> None:
    file.write_bytes(json.dumps({**json.loads(content), "format": FORMAT + 1}).encode())


def _newer_of_another_form(file: Path, _content: bytes) -> None:
    file.write_text(json.dumps({"format": FORMAT + 5, "id": "x"}))


def _older(file: Path, content: bytes) -> None:
    file.write_bytes(json.dumps({**json.loads(content), "format": 1}).encode())


def _cut_off(file: Path, content: bytes) -> None:
    file.write_bytes(content[:300])


def _empty(file: Path, _content: bytes) -> None:
    file.touch()


def _other_types(file: Path, content: bytes) -> None:
    file.write_bytes(json.dumps({**json.loads(content), "key": ["a"], "hardware": "fast"}).encode())


def _curve_cut(file: Path, content: bytes) -> None:
    """One array of a curve is shorter than those beside it; in throughput, which has none, an unknown status."""
    record = json.loads(content)
    if "trial" in record:
        record["curves"]["rank"]["recall"].pop()
    else:
        record["hardware"] = None
    file.write_bytes(json.dumps(record).encode())


def _long_key(file: Path, content: bytes) -> None:
    """A key that no name of a file can hold; in throughput, which is not named by it, no hardware."""
    record = json.loads(content)
    record |= {"key": "5" * 300} if "trial" in record else {"hardware": None}
    file.write_bytes(json.dumps(record).encode())


def _folder(file: Path, _content: bytes) -> None:
    file.mkdir()
    (file / "notes").touch()


def _dangling(file: Path, _content: bytes) -> None:
    file.symlink_to("nowhere")


def _link_to_itself(file: Path, _content: bytes) -> None:
    """Not even root can open it."""
    file.symlink_to(file.name)


def _forbidden(file: Path, content: bytes) -> None:
    if os.geteuid() == 0:
        return _link_to_itself(file, content)
    file.write_bytes(content)
    file.chmod(0)
    return None


def _other_kind(file: Path, _content: bytes) -> None:
    """Throughput among the records, a record among the throughput."""
    other = {"records": "throughput", "throughput": "records"}[file.parent.name]
    file.write_bytes(next((file.parents[1] / other).glob("*-*.json")).read_bytes())


FAULTS = [
    *(
        _newer,
        _newer_of_another_form,
        _older,
        _cut_off,
        _empty,
        _other_types,
        _curve_cut,
        _long_key,
        _folder,
        _dangling,
    ),
    *(_link_to_itself, _forbidden, _other_kind),
]
IRREPLACEABLE = [_newer, _newer_of_another_form, _folder]
REPLACEABLE = [fault for fault in FAULTS if fault not in (*IRREPLACEABLE, _other_kind)]
RUN = ("run", "--methods", "lsh", "--bits", "8", "--executor", "inline", "--device", "cpu")
VERBS: dict[str, tuple[str, ...]] = {
    "run": RUN,
    "run --rerun": (*RUN, "--rerun", "all"),
    "dry run": (*RUN, "--dry-run"),
    "leaderboard": ("leaderboard",),
    "leaderboard --check": ("leaderboard", "--check"),
    "leaderboard --into": ("leaderboard", "--into", "page.md"),
    "plot": ("plot", "precision-recall", "--format", "svg"),
    "gallery": ("gallery", "--device", "cpu"),
    "measure": ("measure", "--device", "cpu"),
    "rescore": ("rescore", "--all", "--device", "cpu"),
    "score": ("score", "codes.npz", "--encoding", "01", "--device", "cpu"),
    "compare": ("compare", "results", "results"),
    "check": ("check", "--baseline", "baseline.json"),
    "show": ("show", "KEY"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results of a grid, codes of somebody else's, a baseline and a page."""
    import numpy as np

    import hashbench as hb
    from hashbench.reporting.regression.baseline import make_baseline
    from hashbench.reporting.regression.baseline_file import write_baseline

    root = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution_measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(root / "cache"))
        made = hb.run(methods="lsh", bits=8, results=root / "results", executor="inline", device="cpu")
    write_baseline(make_baseline(made), root / "baseline.json")
    rng = np.random.default_rng(0)
    query, database = rng.integers(0, 2, (2, 20, 8))
    labels = rng.integers(0, 3, 20)
    codes = {"query_codes": query, "database_codes": database, "query_labels": labels, "database_labels": labels}
    np.savez(root / "codes.npz", allow_pickle=False, **codes)
    (root / "page.md").write_text("<!-- hashbench leaderboard results -->\n<!-- end -->\n")
    return root


@pytest.fixture
def folder(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the current folder of :func:`call`."""
    monkeypatch.setattr(execution_measure, "SECONDS_PER_FIGURE", 0.001)
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return tmp_path / "results"


def the(folder: Path, kind: str = "records") -> Path:
    """The record of LSH, or its throughput."""
    (record,) = (folder / "records").glob("*-lsh-*.json")
    if kind == "records":
        return record
    (file,) = (folder / "throughput").glob(f"{json.loads(record.read_text())['key']}-*.json")
    return file


def state(file: Path) -> tuple[object, ...]:
    """What lies at a path, links not followed."""
    about = file.lstat()
    readable = file.is_file() and about.st_mode & 0o777
    return (about.st_mode, about.st_ino, about.st_mtime_ns, file.read_bytes() if readable else None)


def stray_files(folder: Path, faults: Sequence[Fault]) -> dict[str, list[Path]]:
    """A file with each fault among the records and among the throughput."""
    files: dict[str, list[Path]] = {"records": [], "throughput": []}
    for kind, strays in files.items():
        content = the(folder, kind).read_bytes()
        for fault in faults:
            strays.append(folder / kind / f"stray{fault.__name__}.json")
            fault(strays[-1], content)
    return files


@pytest.mark.parametrize("verb", VERBS)
def test_faults_change_nothing_but_lines(call: Call, folder: Path, verb: str) -> None:
    words = [json.loads(the(folder).read_text())["key"] if word == "KEY" else word for word in VERBS[verb]]
    strays = stray_files(folder, FAULTS)
    before = [state(file) for files in strays.values() for file in files]
    done = call(*words)
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    assert [state(file) for files in strays.values() for file in files] == before
    for file in strays["records"]:
        times = [f"records/{file.name}" in line for line in done.err.splitlines()].count(True)
        if verb == "check":  # whose report has it among its notes
            times = "".join(done.out.split()).count(f"records/{file.name}")
        assert times == (0 if verb == "show" else 1), (file, done.err)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_is_one_line_of_a_plan(call: Call, folder: Path, fault: Fault) -> None:
    stray_files(folder, [fault])
    done = call(*VERBS["dry run"])
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert f"stray{fault.__name__}.json" in done.err
    assert done.out.endswith("0 of 3 trials to run\n")


@pytest.mark.parametrize("fault", REPLACEABLE)
def test_a_damaged_record_is_made_anew_under_its_own_name(call: Call, folder: Path, fault: Fault) -> None:
    executor = "local" if fault is _cut_off else "inline"
    file = the(folder)
    content = file.read_bytes()
    file.unlink()
    fault(file, content)
    others = {other: state(other) for other in (folder / "records").glob("*-reference*")}
    planned = call(*RUN, "--dry-run")
    assert "run   lsh 8 bits on digits/holdout-200, pixels  (missing)" in planned.out
    done = call(*RUN[:-4], "--executor", executor, "--device", "cpu")
    assert done.code == 0, done.err
    metrics = json.loads(content)["metrics"]
    assert not file.is_symlink()
    assert json.loads(file.read_text())["metrics"] == metrics
    assert {other: state(other) for other in others} == others


@pytest.mark.parametrize("fault", IRREPLACEABLE)
@pytest.mark.parametrize("rerun", ["missing", "all"])
def test_what_a_newer_hashbench_wrote_and_a_folder_are_never_replaced(
    call: Call, folder: Path, fault: Fault, rerun: str
) -> None:
    file = the(folder)
    content = file.read_bytes()
    file.unlink()
    fault(file, content)
    before = state(file)
    (row,) = [
        row
        for row in json.loads(call(*RUN, "--rerun", rerun, "--dry-run", "--json").out)
        if row["trial"]["method"] == "lsh"
    ]
    assert (row["state"], row["run"]) == ("unreadable", False)
    assert file.name in row["reason"]
    done = call(*RUN, "--rerun", rerun)
    assert done.code == 1, "a trial that was asked for has no result"
    assert "kept  lsh 8 bits" in done.err
    assert state(file) == before


@pytest.mark.parametrize("fault", IRREPLACEABLE)
def test_a_newer_hashbenchs_throughput_and_scored_codes_are_kept(call: Call, folder: Path, fault: Fault) -> None:
    rates = the(folder, "throughput")
    content = rates.read_bytes()
    rates.unlink()
    fault(rates, content)
    assert call(*VERBS["score"]).code == 0
    (scored,) = (folder / "records").glob("*-codes-*.json")
    content = scored.read_bytes()
    scored.unlink()
    fault(scored, content)
    before = state(rates), state(scored)
    for verb, code, kept in (("measure", 2, rates), ("score", 2, scored), ("run --rerun", 0, rates)):
        done = call(*VERBS[verb])
        assert done.code == code, done.err
        assert kept.name in done.err
        assert (state(rates), state(scored)) == before


@pytest.mark.parametrize("fault", [_newer, _older, _cut_off, _dangling, _link_to_itself])
@pytest.mark.parametrize("verb", ["show", "gallery", "measure", "rescore", "compare"])
def test_a_record_that_is_named_has_to_be_readable(call: Call, folder: Path, verb: str, fault: Fault) -> None:
    file = the(folder)
    content, key = file.read_bytes(), file.stem.rpartition("-")[2]
    file.unlink()
    fault(file, content)
    done = call(verb, *([str(file)] * 2 if verb == "compare" else [key]))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert file.name in done.err


@pytest.mark.parametrize("verb", ["gallery", "measure", "rescore", "plot", "leaderboard", "compare", "check"])
def test_a_folder_of_nothing_that_can_be_read_has_nothing_to_work_on(call: Call, folder: Path, verb: str) -> None:
    for file in (folder / "records").glob("*.json"):
        file.write_text("{")
    done = call(*VERBS[verb])
    assert done.code in (2, 3)
    assert "Traceback" not in done.err
