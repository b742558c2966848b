"""The verb ``rescore``: stored codes get the current metrics, and nothing else changes."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import jsonschema
import numpy as np
import pytest
from PIL import Image

import hashbench as hb
from hashbench.errors import StorageError
from hashbench.execution import measure
from hashbench.records.results import Results
from hashbench.records.schema import schema
from hashbench.reporting.publishing import publish
from hashbench.reporting.write import write_reports
from tests.cli.conftest import Done

SCORES = ("metrics", "queries", "curves", "diagnostics")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result folder of lsh at 8 bits and its references on digits, and of scored codes."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        hb.run(methods="lsh", bits=8, limit=500, results=folder / "results", executor="inline", device="cpu")
        rng = np.random.default_rng(0)
        arrays = {"query_codes": rng.random((9, 8)) < 0.5, "database_codes": rng.random((50, 8)) < 0.5}
        arrays |= {"query_labels": np.eye(3, dtype=bool)[np.arange(9) % 3]}
        arrays |= {"database_labels": np.eye(3, dtype=bool)[np.arange(50) % 3]}
        hb.score(arrays, name="mine", cutoff=7, results=folder / "results", device="cpu")
    return folder / "results"


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as ``results`` where the command is called; figures, which take long, are not made."""
    monkeypatch.setattr("hashbench.replay.rescore.write_reports", partial(write_reports, figures=False))
    shutil.copytree(made, tmp_path / "results")
    return tmp_path / "results"


def faults(done: Done) -> list[str]:
    """The lines of what went wrong; extraction of features says what it does as well."""
    return [line for line in done.err.splitlines() if line.startswith("hashbench: ")]


def contents(folder: Path) -> dict[str, Any]:
    """Records and the arrays beside them, by file name."""
    contents: dict[str, Any] = {file.name: file.read_bytes() for file in sorted((folder / "records").glob("*.json"))}
    for file in sorted((folder / "records").glob("*.npz")):
        with np.load(file) as arrays:
            contents[file.name] = {name: arrays[name].tobytes() for name in arrays.files}
    return contents


def spoil(folder: Path) -> None:
    """Make every record one of an older version, whose numbers were others."""
    for file in (folder / "records").glob("*.json"):
        record = json.loads(file.read_text())
        record |= {"metric_version": 0, "metrics": dict.fromkeys(record["metrics"], 0.5), "diagnostics": {}}
        curves: dict[str, Any] = {"radius": None, "rank": {"k": [], "precision": [], "recall": []}}
        record |= {"queries": {"scored": 1, "unanswerable": 0}, "curves": curves}
        file.write_text(json.dumps(record))
        with np.load(file.with_suffix(".npz")) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        content["average_precision"] = np.zeros_like(content["average_precision"])
        np.savez_compressed(file.with_suffix(".npz"), **content)


def test_todays_records_are_left_alone(call: Callable[..., Done], folder: Path) -> None:
    done = call("rescore")
    assert (done.code, done.out) == (0, "")
    assert done.err == "5 records have metrics of the current version 1; see --all\n"


def test_older_records_become_what_their_trials_would_write_today(call: Callable[..., Done], folder: Path) -> None:
    """Byte for byte, references and a cutoff of their own included."""
    before = contents(folder)
    tables = (folder / "leaderboard.md").read_text()
    spoil(folder)
    assert contents(folder) != before
    done = call("rescore", "--device", "cpu")
    assert (done.code, faults(done)) == (0, [])
    assert contents(folder) == before
    assert (folder / "leaderboard.md").read_text() == tables
    lines = done.out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("lsh 8 bits on digits/holdout-200, pixels: mAP@1000 0.")
    assert all(line.endswith("(was 0.500000)") for line in lines)


def test_all_are_rescored_when_asked_for_and_stay_what_they_are(call: Callable[..., Done], folder: Path) -> None:
    before = contents(folder)
    done = call("rescore", "--all", "--json", "--device", "cpu")
    assert (done.code, faults(done)) == (0, [])
    assert contents(folder) == before
    printed = json.loads(done.out)
    assert len(printed) == 5
    for record in printed:
        jsonschema.validate(record, schema("record"))


def test_one_is_rescored_by_its_key(call: Callable[..., Done], folder: Path) -> None:
    before = contents(folder)
    spoil(folder)
    (name,) = [name for name in before if "-mine-" in name and name.endswith(".json")]
    done = call("rescore", name.removesuffix(".json").rpartition("-")[2][:8], "--device", "cpu")
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    after = contents(folder)
    assert [each for each in before if after[each] == before[each]] == [name, name.replace(".json", ".npz")]
    assert json.loads(after[name])["metrics"]["map@7"] is not None


def test_a_trial_that_failed_goes_over_with_the_others(call: Callable[..., Done], folder: Path) -> None:
    (file,) = (folder / "records").glob("*-lsh-*.json")
    record = json.loads(file.read_text())
    error: dict[str, Any] = {"phase": "fit", "exception": None, "message": "no", "log": []}
    record |= {"status": "failed", "metric_version": 0, "error": error, **dict.fromkeys(SCORES)}
    file.write_text(json.dumps(record))
    done = call("rescore")
    assert (done.code, done.out) == (0, "lsh 8 bits on digits/holdout-200, pixels: failed, nothing to score\n")
    assert json.loads(file.read_text()) == {**record, "metric_version": 1}


def test_what_cannot_be_rescored_is_a_line_and_stays(call: Callable[..., Done], folder: Path) -> None:
    spoil(folder)
    (lsh,) = (folder / "records").glob("*-lsh-*.npz")
    lsh.write_bytes(lsh.read_bytes()[:100])
    (broken,) = (folder / "records").glob("*-mine-*.json")
    broken.write_text("{")
    (newer,) = (folder / "records").glob("digits-*-reference_random-*.json")
    newer.write_text(newer.read_text().replace('"metric_version": 0', '"metric_version": 99'))
    before = contents_of(lsh, broken, newer)
    done = call("rescore", "--device", "cpu")
    assert done.code == 1
    fault_lines = faults(done)
    assert len(fault_lines) == 3
    assert any(f"codes results/records/{lsh.name} cannot be read" in line for line in fault_lines)
    assert any(f"record results/records/{broken.name} cannot be read" in line for line in fault_lines)
    assert any(
        "has metrics of version 99, this hashbench computes version 1; use a newer one" in line for line in fault_lines
    )
    assert contents_of(lsh, broken, newer) == before
    assert call("rescore", newer.name.removesuffix(".json").rpartition("-")[2]).code == 2


def contents_of(*files: Path) -> list[bytes]:
    return [file.read_bytes() for file in files]


def test_published_records_without_codes_say_so(call: Callable[..., Done], folder: Path) -> None:
    publish(folder, Path("published"))
    done = call("rescore", "--all", "--results", "published", "--device", "cpu")
    assert done.code == 1  # the ranking of float features needs no codes
    assert done.err.count("was published without its codes; run ") == 4
    assert done.out.startswith("reference-float on digits/holdout-200, pixels: mAP@1000 ")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "hashbench: no record in results/records; name a result folder with --results\n"),
        (("abc",), "hashbench: no record 'abc' in results/records; name a file, or the beginning of a key\n"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(call: Callable[..., Done], words: tuple[str, ...], line: str) -> None:
    done = call("rescore", *words)
    assert (done.code, done.out, done.err) == (2, "", line)


def test_the_python_call_does_the_same(call: Callable[..., Done], folder: Path) -> None:
    before = contents(folder)
    spoil(folder)
    rescored = hb.rescore(folder, device="cpu")
    assert (len(rescored.records), rescored.faults) == (5, ())
    assert contents(folder) == before


def test_the_python_call_rescores_records_that_are_named(folder: Path) -> None:
    (name,) = [file.stem for file in (folder / "records").glob("*-mine-*.json")]
    key = name.rpartition("-")[2]
    rescored = hb.rescore(folder, device="cpu", records=[key[:8]])
    assert [record["key"] for record in rescored.records] == [key]
    with pytest.raises(hb.UsageError, match=r"no record 'abc' in .*; name a file, or the beginning of a key"):
        hb.rescore(folder, records=["abc"])


def test_the_python_call_takes_the_data_set_that_its_message_asks_for(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    rows = ["path,labels,split"]
    for number in range(12):
        Image.new("L", (8, 8), 20 * number).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{'even' if number % 2 else 'odd'},{'query' if number < 4 else 'train+database'}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "own.toml").write_text('features = "pixels@4"')
    own: Any = {"datasets": "folder:own.toml", "results": "own", "executor": "inline", "device": "cpu"}
    hb.run(methods="lsh", bits=4, **own)
    (fault,) = hb.rescore("own", everything=True, device="cpu").faults
    assert fault.endswith("which a file of yours describes; name it with --dataset folder:FILE")
    assert not hb.rescore("own", everything=True, device="cpu", dataset="folder:own.toml").faults


def test_the_python_call_takes_weights_that_are_checked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights and the ban on downloads reach the extraction of features."""
    with pytest.raises(hb.UsageError, match=r"weights of 'vgg19': there is no file 'gone\.pth'"):
        hb.rescore(folder, weights={"vgg19": "gone.pth"})
    (tmp_path / "own.pth").touch()
    rescore_records = Mock(return_value=Results(()))
    monkeypatch.setattr("hashbench.replay.rescore.rescore_records", rescore_records)
    hb.rescore(folder, weights={"vgg19": tmp_path / "own.pth"}, offline=True)
    context = rescore_records.call_args.args[1]
    assert context.weights.files == {"vgg19": tmp_path / "own.pth"}
    assert context.weights.offline


@pytest.mark.parametrize(
    ("words", "records", "work"),
    [
        (("rescore", "--all"), None, "hashbench.replay.rescore.rescore_record"),
        (("measure",), "hashbench.execution.remeasure.stored_trials", "hashbench.execution.remeasure.measure_again"),
        (("gallery",), "hashbench.cli.gallery._chosen", "hashbench.gallery.make.make_gallery"),
    ],
    ids=str,
)
def test_a_full_disk_is_said_once_and_ends_the_verb(
    call: Callable[..., Done],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    records: str | None,
    work: str,
) -> None:
    assert folder.is_dir()
    if records:
        monkeypatch.setattr(records, Mock(return_value=[Mock(), Mock()]))
    full = Mock(side_effect=StorageError("results/records cannot be written (No space left on device)"))
    monkeypatch.setattr(work, full)
    done = call(*words)
    assert (done.code, full.call_count) == (2, 1)
    assert faults(done)[-1:] == ["hashbench: results/records cannot be written (No space left on device)"]
