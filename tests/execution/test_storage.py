"""Disks that are full, folders that are read-only or vanish: one line that names folder and cause, exit code 2."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hashbench as hb
from hashbench.errors import StorageError, UsageError
from hashbench.execution.fork_server import process_context
from hashbench.execution.run import make_settings
from hashbench.util.paths import cache_folder, data_folder
from tests.cli.conftest import Done, call
from tests.command import hashbench

__all__ = ["call"]
RUN = ("run", "--methods", "lsh", "--bits", "8", "--executor", "inline")
METHOD = """import os
import shutil
from pathlib import Path
from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class Mine(HashMethod):
    \"\"\"A method to which something happens.\"\"\"

    traits = Traits(deterministic=True)

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        FIT
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return batch[:, : self.bits] > 0
"""


VANISHES = (
    "shutil.rmtree(Path.cwd() / 'results')",
    "/results/records cannot be written (No such file or directory); ",
)


def no_space(*_given: Any, **_more: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing_after(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, for which there is no space from some call on."""
    count = iter(range(1000))
    return lambda *given, **more: (no_space if next(count) >= calls else function)(*given, **more)


def plugin(folder: Path, fit: str) -> None:
    (folder / "methods").mkdir()
    (folder / "methods/mine.py").write_text(METHOD.replace("FIT", fit))


def record_names(folder: Path) -> list[str]:
    return sorted(file.name.rpartition("-")[0] for file in (folder / "results/records").glob("*.json"))


def test_a_disk_that_is_full_ends_the_run_with_a_line_after_the_table(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np, "savez_compressed", failing_after(3, np.savez_compressed))
    done = call("run", "--methods", "lsh,pcah", "--bits", "8", "--executor", "inline")
    assert done.code == 2
    assert "lsh" in done.out
    last = done.err.splitlines()[-1]
    assert last.startswith(f"hashbench: {tmp_path / 'results/records'} cannot be written (No space left on device);")
    assert "(pcah 8 bits on digits/holdout-200, pixels: map@1000 0." in last
    assert "was computed and is not recorded)" in last
    assert record_names(tmp_path) == [
        "digits-holdout_200-lsh-8-0",
        "digits-holdout_200-reference_float-float-0",
        "digits-holdout_200-reference_random-8-0",
    ]


def test_a_report_that_cannot_be_written_does_not_hide_the_table(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbench.reporting.write.write_reports", no_reports)
    done = call(*RUN)
    assert done.code == 2
    assert "lsh" in done.out
    assert "All records of" not in done.out
    assert "cannot be written (No space left on device)" in done.err.splitlines()[-1]
    assert len(record_names(tmp_path)) == 3


def no_reports(folder: Path, *_: Any) -> None:
    from hashbench.util.files import replacing

    with replacing(folder / "leaderboard.md"):
        no_space()


@pytest.mark.parametrize(
    ("fit", "line"),
    [
        ("raise OSError(28, 'No space left on device')", "a file cannot be written (No space left on device); free "),
        (
            "raise OSError(30, 'Read-only file system', '/nowhere/weights.bin')",
            "/nowhere cannot be written (Read-only file system); make it writable",
        ),
        VANISHES,
    ],
)
def test_a_disk_that_fails_inside_a_trial_is_no_failure_of_its_method(tmp_path: Path, fit: str, line: str) -> None:
    check_failing_disk(tmp_path, fit, line, "inline")


def test_a_process_whose_disk_fails_passes_the_line_on(tmp_path: Path) -> None:
    check_failing_disk(tmp_path, *VANISHES, "local")


def check_failing_disk(tmp_path: Path, fit: str, line: str, executor: str) -> None:
    plugin(tmp_path, fit)
    words = ("run", "--methods", "mine,lsh", "--bits", "8", "--executor", executor)
    done = hashbench(*words, cwd=tmp_path, HASHBENCH_PLUGINS=str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert line in done.stderr.splitlines()[-1]
    assert not [name for name in record_names(tmp_path) if "mine" in name]


def test_a_result_folder_that_vanished_is_named_before_the_next_trial(tmp_path: Path) -> None:
    from hashbench.records.store import Store

    store = Store(tmp_path / "results")
    store.prepare()
    store.check_present()
    shutil.rmtree(tmp_path / "results")
    with pytest.raises(StorageError, match=r"results/records cannot be written \(No such file or directory\); bring"):
        store.check_present()


def test_python_gets_the_line_as_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(np, "savez_compressed", no_space)
    with pytest.raises(StorageError, match=r"results/records cannot be written \(No space left on device\)"):
        hb.run(methods="lsh", bits=8, results=tmp_path / "results", data=tmp_path, executor="inline")


def test_a_cache_that_is_full_is_named_with_its_variable(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbench.features.parts.PartedArray.put", no_space)
    done = call(*RUN)
    assert done.code == 2
    last = done.err.splitlines()[-1]
    assert last.startswith(f"hashbench: {tmp_path / 'cache/features/digits-pixels-'}")
    assert "cannot be written (No space left on device); free some space there, or name another cache with" in last


def test_a_cache_that_is_read_only_is_no_reason_to_stop(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(*RUN, "--results", "first").code == 0
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: access(path, mode) and not (mode & os.W_OK and "/cache" in str(path))
    )
    before = sorted((tmp_path / "cache").rglob("*"))
    assert cache_folder() == tmp_path / "cache"
    assert call(*RUN, "--results", "second").code == 0
    assert sorted((tmp_path / "cache").rglob("*")) == before


def test_a_current_folder_that_was_removed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UsageError, match="'results' lies in the current folder, which was removed; cd into another"):
        make_settings("results", tmp_path)
    with pytest.raises(UsageError, match=r"'\.' lies in the current folder, which was removed"):
        process_context()
    with pytest.raises(UsageError, match="'data' lies in the current folder, which was removed"):
        data_folder(None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 180 KiB; tests are skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=180k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def test_a_small_disk_keeps_what_it_can_and_the_run_goes_on_elsewhere(small_disk: Path, tmp_path: Path) -> None:
    words = ("run", "--methods", "lsh,itq,pcah", "--bits", "8,16,32", "--executor", "inline", "--results")
    done = hashbench(*words, str(small_disk / "r"), cwd=tmp_path)
    assert done.returncode == 2
    assert "reference-float" in done.stdout
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert f"hashbench: {small_disk}/r/" in last
    assert "cannot be written (No space left on device); free some space there" in last
    kept = [file for file in (small_disk / "r/records").iterdir() if file.suffix == ".json"]
    assert 3 < len(kept) < 13


def test_results_that_are_read_only_are_shown_and_not_run(small_disk: Path, tmp_path: Path) -> None:
    folder = str(small_disk / "r")
    words = ("--bits", "8", "--executor", "inline", "--results", folder)
    assert hashbench("run", "--methods", "lsh", *words, cwd=tmp_path).returncode in (0, 2)
    remount(small_disk, "ro")
    shown = hashbench("run", "--methods", "lsh", *words, cwd=tmp_path)
    more = hashbench("run", "--methods", "itq", *words, cwd=tmp_path)
    assert shown.returncode == more.returncode == 2
    assert "lsh" in shown.stdout
    for done in (shown, more):
        assert f"hashbench: {folder}" in done.stderr.splitlines()[-1]
        assert "cannot be written (Read-only file system); make it writable, or name" in done.stderr.splitlines()[-1]
