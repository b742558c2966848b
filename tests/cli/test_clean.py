"""``hashbench clean``: lists what nothing refers to, and removes that alone, when told."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hashbench.features.cache import FORMAT
from hashbench.features.parts import Layout, PartedArray
from hashbench.features.pixels import Pixels
from hashbench.records.store import Store
from hashbench.util.files import replacing
from hashbench.util.lease import Candidate
from tests.cli.conftest import Done, call
from tests.reporting.made_records import failed, make_record, write_records

__all__ = ["call"]

Call = Callable[..., Done]


def write(file: Path, size: int = 10_000) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(os.urandom(size))
    return file


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Keys of a trial that ended well and of one that failed, whose records lie in ``results``."""
    monkeypatch.setattr("hashbench.planning.currency.outdated_records", lambda _results: {})
    records = [make_record("itq", 16, 0.5), failed(make_record("lsh", 16, 0.4))]
    write_records(tmp_path / "results", records)
    for folder in ("throughput", "logs", "leases"):
        (tmp_path / "results" / folder).mkdir(exist_ok=True)
    return records[0]["key"], records[1]["key"]


def found(done: Done) -> dict[str, str]:
    """Reasons by path; the command was called in the current folder."""
    return {str(Path(row["path"]).absolute()): row["reason"] for row in json.loads(done.out)["found"]}


def test_each_kind_of_leftover_is_listed_with_its_reason_and_nothing_else(
    call: Call, tmp_path: Path, keys: tuple[str, str]
) -> None:
    ended, with_failure = keys
    results, unknown = tmp_path / "results", "0" * 16
    kept = everything(results)
    kept |= {write(results / f"checkpoints/{with_failure}/training.pt"), write(results / f"checkpoints/{unknown}/a.pt")}
    kept |= {write(results / f"throughput/{ended}-a1b2.json"), write(results / f"logs/digits-x-itq-16-0-{ended}.log")}
    expected = {
        results / "checkpoints" / ended: "the checkpoint of a trial that has ended well",
        write(results / f"records/digits-x-itq-16-0-{unknown}.npz"): "codes without a record",
        write(results / f"records/digits-x-itq-16-0-{unknown}.safetensors"): "a fitted method without a record",
        write(results / f"throughput/{unknown}-a1b2.json"): "rates without a record",
        write(results / f"logs/digits-x-itq-16-0-{unknown}.log"): "a log without a record",
    }
    write(results / f"checkpoints/{ended}/training.pt")
    before = everything(tmp_path)
    assert found(call("clean", "--json")) == {str(path): reason for path, reason in expected.items()}
    assert everything(tmp_path) == before, "nothing is removed without --yes"
    assert call("clean", "--yes").code == 0
    assert everything(results) == kept
    assert found(call("clean", "--json")) == {}


def test_sizes_and_what_would_be_done_are_printed(call: Call, tmp_path: Path, keys: tuple[str, str]) -> None:
    write(tmp_path / "results/checkpoints" / keys[0] / "training.pt", 2_000_000)
    write(tmp_path / "results/checkpoints/0123/training.pt", 1_000_000)
    lines = call("clean").out.splitlines()
    assert lines == [
        f"    2 MB  results/checkpoints/{keys[0]}  (the checkpoint of a trial that has ended well)",
        "2 MB in all; nothing was removed, --yes removes it",
        "kept: 1 checkpoints of stopped trainings, 1 MB; the same command goes on from them, --unfinished lists them "
        "too",
    ]
    assert call("clean", "--unfinished", "--yes").out.splitlines()[-1] == "3.01 MB removed"
    assert call("clean").out == "nothing is left over\n"


def test_the_checkpoint_of_a_failed_trial_goes_when_todays_code_would_not_find_it(
    call: Call, tmp_path: Path, keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "results/checkpoints" / keys[1] / "training.pt")
    assert found(call("clean", "--json")) == {}
    monkeypatch.setattr("hashbench.planning.currency.outdated_records", lambda _results: {keys[1]: "stale"})
    (reason,) = found(call("clean", "--json")).values()
    assert reason == "the checkpoint of a failed trial that today's code would not go on from"


def test_what_a_run_is_at_work_on_stays(call: Call, tmp_path: Path, keys: tuple[str, str]) -> None:
    results, key = tmp_path / "results", "0" * 16
    write(results / f"records/digits-x-itq-16-0-{key}.npz")
    write(results / f"checkpoints/{keys[0]}/training.pt")
    held = [Candidate(results / "leases", name).take({}) for name in (key, keys[0])]
    with replacing(results / "leaderboard.md"):
        assert found(call("clean", "--json", "--unfinished")) == {}
    for lease in held:
        assert lease
        lease.release()
    assert len(found(call("clean", "--json"))) == 2


def test_what_killed_processes_left_goes(call: Call, tmp_path: Path, keys: tuple[str, str]) -> None:
    with replacing(tmp_path / "results/leaderboard.md") as work:
        name = work.name
    left = [write(folder / name) for folder in (tmp_path / "results", tmp_path / "cache/neighbours")]
    lease = tmp_path / f"results/leases/{keys[1]}-0.lease"
    held = Candidate(lease.parent, keys[1]).take({})
    assert held
    gone = json.loads(lease.read_text())
    held.release()
    gone["holder"]["birth"] = " ".join([*gone["holder"]["birth"].split(" ")[:-1], "1"])
    lease.write_text(json.dumps(gone))
    assert found(call("clean", "--json")) == {
        **dict.fromkeys(map(str, left), "of a process that was killed while it wrote"),
        str(lease): "of a process that has ended",
    }


def test_features_that_nothing_can_read_any_more_go(call: Call, tmp_path: Path, keys: tuple[str, str]) -> None:
    assert keys
    root = tmp_path / "cache/features"

    def features(name: str, **changes: str) -> Path:
        made_from = {"dataset": "digits", "extractor": "pixels", "format": FORMAT, "version": "1", **changes}
        (root / name).mkdir(parents=True)
        PartedArray.create(root / name, Layout(10, 4, "float32"), made_from)
        return root / name

    features("current")
    features("newer", version="99")
    features("of a stranger's", extractor="nobody-has-it", version="0")
    features("maps", extractor="squeezenet1_1-blocks-3")
    expected = {
        features("earlier", version="0"): f"features pixels of digits, of version 0, today's is {Pixels.version}",
        features("earlier maps", extractor="squeezenet1_1-blocks-3", version="0"): (
            "features squeezenet1_1-blocks-3 of digits, of version 0, today's is 1"
        ),
        features("old", format="0"): f"features pixels of digits, of format 0, today's is {FORMAT}",
        features("damaged"): "features whose journal is damaged",
        root / "empty": "features of an extraction that was killed at once",
    }
    (root / "damaged/parts.json").write_text("{")
    (root / "empty").mkdir()
    (root / "begun").mkdir()
    begun = Candidate(root / "begun", "extraction").take({})
    assert begun
    assert found(call("clean", "--json")) == {str(path): reason for path, reason in expected.items()}
    begun.release()


def test_a_folder_that_is_not_there_is_one_line(call: Call) -> None:
    done = call("clean", "--results", "nowhere")
    assert (done.code, done.out) == (2, "")
    assert "no result folder 'nowhere'" in done.err
    assert Store(Path("nowhere")).root.exists() is False
