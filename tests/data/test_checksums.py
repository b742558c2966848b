"""Checksums of many files: right, and read again only where a file changed."""

import hashlib
import multiprocessing
import os
from pathlib import Path

import pytest

from hashbench.data import checksums
from hashbench.data.checksums import cached_checksums
from hashbench.errors import BrokenFiles, UsageError
from hashbench.util import progress

NAMES = ["a.jpg", "b/a.jpg", "ü.jpg"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, one of them deeper."""
    (tmp_path / "files" / "b").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (tmp_path / "files" / name).write_bytes(bytes([number]) * 10)
    return tmp_path / "files"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read."""
    files: list[str] = []
    original = checksums._sum

    def noted(file: Path) -> str | OSError:
        files.append(file.name)
        return original(file)

    monkeypatch.setattr(checksums, "_sum", noted)
    return files


def wanted(folder: Path, names: list[str]) -> list[str]:
    return [hashlib.blake2b((folder / name).read_bytes(), digest_size=16).hexdigest() for name in names]


def memory(cache: Path) -> Path:
    (file,) = (cache / "sums").iterdir()
    return file


def test_sums_come_in_the_order_of_the_names(folder: Path, cache: Path) -> None:
    for names in (NAMES, NAMES[::-1], NAMES[1:]):
        assert cached_checksums(folder, names, cache, print) == wanted(folder, names)


def test_what_did_not_change_is_not_read_again(folder: Path, cache: Path, read: list[str]) -> None:
    cached_checksums(folder, NAMES, cache, print)
    read.clear()
    assert cached_checksums(folder, NAMES, cache, print) == wanted(folder, NAMES)
    assert read == []


@pytest.mark.parametrize("change", ["size", "time", "content alone"])
def test_what_changed_is_read_again(folder: Path, cache: Path, read: list[str], change: str) -> None:
    cached_checksums(folder, NAMES, cache, print)
    read.clear()
    file = folder / "a.jpg"
    before = file.stat()
    file.write_bytes({"size": b"longer than ten", "time": b"x" * 10, "content alone": b"y" * 10}[change])
    later = before.st_mtime_ns + (1 if change == "time" else 0)
    os.utime(file, ns=(before.st_atime_ns, later))
    assert cached_checksums(folder, NAMES, cache, print) == wanted(folder, NAMES)
    assert read == ["a.jpg"]


def test_names_of_earlier_calls_stay_remembered(folder: Path, cache: Path, read: list[str]) -> None:
    cached_checksums(folder, NAMES[:1], cache, print)
    cached_checksums(folder, NAMES[1:], cache, print)
    read.clear()
    cached_checksums(folder, NAMES, cache, print)
    assert read == []


def test_folders_are_kept_apart(folder: Path, cache: Path) -> None:
    time = (folder / "a.jpg").stat().st_mtime_ns
    (folder / "b" / "a.jpg").write_bytes(b"y" * 10)
    os.utime(folder / "b" / "a.jpg", ns=(time, time))
    first, second = (cached_checksums(root, ["a.jpg"], cache, print) for root in (folder, folder / "b"))
    assert first != second


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a.jpg": 3}', '{"a.jpg": [1, "x", "y"]}', "\0" * 50])
def test_a_damaged_cache_is_logged_and_made_again(folder: Path, cache: Path, text: str) -> None:
    cached_checksums(folder, NAMES, cache, print)
    whole = memory(cache).read_text()
    memory(cache).write_text(text)
    lines: list[str] = []
    assert cached_checksums(folder, NAMES, cache, lines.append) == wanted(folder, NAMES)
    assert memory(cache).read_text() == whole
    assert len(lines) == 1
    assert str(memory(cache)) in lines[0]


@pytest.mark.parametrize("name", ["gone.jpg", "b"])
def test_a_file_that_cannot_be_read_is_named(folder: Path, cache: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"{folder / name} cannot be read \\(.*\\); make it readable, or remove it"):
        cached_checksums(folder, [name], cache, print)


def test_all_files_that_cannot_be_read_are_named_at_once(folder: Path, cache: Path) -> None:
    with pytest.raises(
        BrokenFiles, match=r"^3 files cannot be read, in .*: (gone|b|ü).*; make them readable, or remove"
    ):
        cached_checksums(folder, ["gone.jpg", "a.jpg", "b", "away.jpg"], cache, print)


def test_what_was_read_before_a_failure_is_not_read_again(
    folder: Path, cache: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "CHUNK_FILES", 1)
    with pytest.raises(UsageError, match="cannot be read"):
        cached_checksums(folder, ["a.jpg", "b", "ü.jpg"], cache, print)
    read.clear()
    cached_checksums(folder, NAMES, cache, print)
    assert "a.jpg" not in read[1:]
    assert read == ["a.jpg"]  # the one in b


def test_long_work_reports_how_far_it_is(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "CHUNK_FILES", 1)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN", 0)
    lines: list[str] = []
    cached_checksums(folder, NAMES, cache, lines.append)
    assert lines[0].startswith(f"checksums of {folder}: 1 of 3 files, ")


def test_two_processes_at_once_leave_a_whole_memory(folder: Path, cache: Path, read: list[str]) -> None:
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=cached_checksums, args=(folder, names, cache, print))
        for names in (NAMES[:2], NAMES[1:], NAMES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert cached_checksums(folder, NAMES, cache, pytest.fail) == wanted(folder, NAMES)
