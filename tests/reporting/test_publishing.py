"""Published records: which files of a result folder are published."""

import copy
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hashbench as hb
from hashbench.errors import UsageError
from hashbench.records.new_record import mark_failed
from hashbench.records.results import results
from hashbench.records.store import to_json
from hashbench.reporting.publishing import main, publish


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of lsh and the references, in a folder with a space in its name, and a record that failed."""
    folder = tmp_path_factory.mktemp("of mine")
    words = ["/opt/bin/hashbench", "run", "--results", f"{folder}/", f"--data={folder}", "--cache", "relative/cache"]
    words += [
        "--weights",
        f"squeezenet1_1={folder}/squeezenet1_1_imagenet.pth",
        "--datasets",
        f"folder:{folder}/a.toml",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", words)
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        hb.run(
            methods=["lsh"], bits=[8], limit=100, results=folder, executor="inline", device="cpu", datasets=["digits"]
        )
    failed = mark_failed(copy.deepcopy(finished(folder)[0]), "failed", "fit", f"no {folder}", [])
    failed["key"] = "f" * 16
    throughput = next((folder / "throughput").glob("*.json"))
    orphan = {**json.loads(throughput.read_text()), "key": failed["key"]}
    throughput.with_name(f"{failed['key']}-{'0' * 12}.json").write_bytes(to_json(orphan))
    (folder / "records" / f"digits-holdout_200-lsh-8-0-{failed['key']}.json").write_bytes(to_json(failed))
    return folder


@pytest.fixture
def source(run: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    shutil.copytree(run, tmp_path / "source")
    return tmp_path / "source"


def finished(folder: Path) -> list[dict[str, Any]]:
    return [record for record in results(folder).records if record["status"] == "ok"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def without_command(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "provenance": {**record["provenance"], "command": None}}


def test_finished_records_their_throughput_and_tables_are_there(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "published"
    written = publish(run, target)
    assert sorted(written) == sorted(file for file in target.rglob("*") if file.is_file())
    assert len(finished(run)) == 3, "lsh and the two references"
    there = results(target)
    assert [without_command(r) for r in there.records] == [without_command(r) for r in finished(run)]
    assert [rates["key"] for rates in there.throughputs] == [r["key"] for r in finished(run) if not r["reference"]]
    assert all(rates in results(run).throughputs for rates in there.throughputs)
    names = {file.name for file in target.iterdir()}
    assert names == {"records", "throughput", "leaderboard.md", "leaderboard.csv"}
    assert "lsh" in (target / "leaderboard.md").read_text()


def test_arrays_are_the_per_query_ap_and_its_queries_alone(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path)
    kept = sorted((tmp_path / "records").glob("*.npz"))
    assert len(kept) == 3
    for file in kept:
        with np.load(file) as arrays, np.load(run / "records" / file.name) as all_arrays:
            assert set(arrays.files) == {"average_precision", "query_items"}
            for name in arrays.files:
                assert np.array_equal(arrays[name], all_arrays[name], equal_nan=True)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_no_folder_of_this_machine_is_in_any_file(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path)
    for name, content in contents(tmp_path).items():
        assert str(run).encode() not in content, name
        assert str(run.parent).encode() not in content, name
    commands = {record["provenance"]["command"] for record in results(tmp_path).records}
    assert commands == {
        f"hashbench run --results '{run.name}' '--data={run.name}' --cache relative/cache "
        "--weights squeezenet1_1=squeezenet1_1_imagenet.pth --datasets folder:a.toml"
    }


def test_the_same_records_give_the_same_bytes(run: Path, source: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "one")
    publish(source, tmp_path / "two")
    first = contents(tmp_path / "one")
    assert contents(tmp_path / "two") == first
    publish(run, tmp_path / "one")
    assert contents(tmp_path / "one") == first
    publish(tmp_path / "one", tmp_path / "three")
    assert contents(tmp_path / "three") == first, "published records can be published on"


def test_several_folders_can_be_published_into_one(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "published"
    publish(source, target)
    before = len(results(target))
    for file in (source / "records").glob("*"):
        if "-lsh-" in file.name:
            file.unlink()
    publish(source, target)
    assert len(results(target)) == before
    assert "lsh" in (target / "leaderboard.md").read_text()


def test_a_newer_record_takes_the_place_of_older_ones_of_its_trial(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "published"
    publish(source, target)
    (old,) = (file for file in (source / "records").glob("*-lsh-8-0-*.json") if "f" * 16 not in file.name)
    record = json.loads(old.read_text())
    key = record["key"]
    newer = {**record, "key": "e" * 16, "provenance": {**record["provenance"], "created": "2999-01-01T00:00:00+00:00"}}
    file = old.with_name(old.name.replace(key, "e" * 16))
    file.write_bytes(to_json(newer))
    shutil.copy(old.with_suffix(".npz"), file.with_suffix(".npz"))
    before = len(contents(target))
    publish(source, target)
    assert "e" * 16 in {record["key"] for record in results(target).records}
    assert not [name for name in contents(target) if key in name], "the older one is gone, and its throughput"
    assert len(contents(target)) == before - 1, "the newer one has no throughput"


def _nothing(source: Path) -> None:
    shutil.rmtree(source)


def _only_failures(source: Path) -> None:
    for file in (source / "records").glob("*.json"):
        if "f" * 16 not in file.name:
            file.unlink()


def _no_arrays(source: Path) -> None:
    next((source / "records").glob("*-lsh-*.npz")).unlink()


def _damaged_arrays(source: Path) -> None:
    file = next((source / "records").glob("*-lsh-*.npz"))
    file.write_bytes(file.read_bytes()[:-30])


def _foreign_arrays(source: Path) -> None:
    file = next((source / "records").glob("*-lsh-*.npz"))
    with zipfile.ZipFile(file, "w"):
        pass


def _damaged_record(source: Path) -> None:
    next((source / "records").glob("*-lsh-*.json")).write_text("{")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_nothing, "has no finished records to publish; wanted a result folder of hashbench run"),
        (_only_failures, "has no finished records to publish"),
        (_no_arrays, r"-lsh-.*\.npz cannot be read \(.*\); restore it or move its record away"),
        (_damaged_arrays, r"-lsh-.*\.npz cannot be read"),
        (_foreign_arrays, r"-lsh-.*\.npz cannot be read \(.*average_precision"),
        (_damaged_record, r"record .*-lsh-.* cannot be read"),
    ],
)
def test_what_cannot_be_published_leaves_nothing(
    spoil: Callable[[Path], None], message: str, source: Path, tmp_path: Path
) -> None:
    spoil(source)
    with pytest.raises(UsageError, match=message) as error:
        publish(source, tmp_path / "published")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "published").exists()


def test_a_folder_is_not_published_into_itself(source: Path) -> None:
    before = contents(source)
    with pytest.raises(UsageError, match="cannot be published into their own folder"):
        publish(source, source / "records" / "..")
    assert contents(source) == before


def test_from_a_shell(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run), str(tmp_path / "published")]) == 0
    written = len(contents(tmp_path / "published"))
    assert capsys.readouterr().out == f"{written} files in {tmp_path / 'published'}\n"
    assert main([str(tmp_path / "gone"), str(tmp_path / "other")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([str(run)]) == 2
    assert "wanted two folders" in capsys.readouterr().err


def test_records_are_json_that_reads_like_the_source(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path)
    file = next((tmp_path / "records").glob("*-lsh-*.json"))
    own, source = (path.read_text().splitlines() for path in (file, run / "records" / file.name))
    assert [line for line in own if "command" not in line] == [line for line in source if "command" not in line]
    assert json.loads(file.read_text())["status"] == "ok"
