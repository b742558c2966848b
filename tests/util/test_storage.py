"""Failures of disks are one line that names the folder and the cause; other failures stay as they are."""

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from hashbench.errors import StorageError, UsageError
from hashbench.util.files import replacing, staging_folder
from hashbench.util.paths import naming_files
from hashbench.util.storage import check_writable, make_folder, storage_fault, writing


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.ENOSPC, "free some space there, or name another folder"),
        (errno.EDQUOT, "free some space there, or name another folder"),
        (errno.EROFS, "make it writable, or name another folder"),
        (errno.EACCES, "make it writable, or name another folder"),
        (errno.ENOENT, "name another folder"),
    ],
)
def test_a_file_that_cannot_be_written_names_its_folder(tmp_path: Path, number: int, way_out: str) -> None:
    with pytest.raises(StorageError) as raised, replacing(tmp_path / "file") as work:
        raise OSError(number, os.strerror(number), str(work))
    assert str(raised.value) == f"{tmp_path} cannot be written ({os.strerror(number)}); {way_out}"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_whatever_torch_calls_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError), writing(tmp_path):
        raise RuntimeError("PytorchStreamWriter failed writing file")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(StorageError, match="No space left on device"), writing(tmp_path):
        raise RuntimeError("PytorchStreamWriter failed writing file")
    with pytest.raises(StorageError, match="No space left on device"):
        check_writable(tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("something else"),
        FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/input.bin"),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        TimeoutError("timed out"),
    ],
)
def test_other_errors_stay_what_they_are(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as raised, replacing(tmp_path / "file"):
        raise error
    assert raised.value is error
    assert storage_fault(error, ()) is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for make in (make_folder, lambda folder: staging_folder(folder, "x").__enter__()):
        with pytest.raises(StorageError, match=r"file/below cannot be written \(Not a directory\)"):
            make(tmp_path / "file/below")
    with pytest.raises(StorageError, match=r"gone cannot be written \(No such file or directory\); bring it back"):
        check_writable(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file cannot be written \(Not a directory\); name another folder"):
        check_writable(tmp_path / "file")


def test_a_folder_of_the_cache_says_how_to_name_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StorageError, match="or name another cache with HASHBENCH_CACHE"), writing(tmp_path / "cache/x"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_without_a_name_is_of_the_folder_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    assert str(storage_fault(error, [tmp_path])).startswith("a file cannot be written (No space left")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert str(storage_fault(error, [tmp_path])).startswith(f"{tmp_path} cannot be written (No space left")


def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"^a file cannot be called 'x{60}...' \(300 characters in [^\n]*shorter one$"),
        naming_files(),
    ):
        (tmp_path / ("x" * 300) / "a").is_dir()
    with pytest.raises(IsADirectoryError), naming_files():
        tmp_path.read_bytes()


def test_a_cache_named_from_the_current_folder_is_called_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HASHBENCH_CACHE", "cache")
    with pytest.raises(StorageError, match="or name another cache with HASHBENCH_CACHE"), writing(Path("cache/sums")):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
