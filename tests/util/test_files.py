"""Files are whole or absent, and what a killed process left is removed by the next."""

import fcntl
import multiprocessing
import os
import secrets
import signal
import stat
import time
from pathlib import Path

import pytest
import torch

from hashbench.errors import StorageError
from hashbench.util.files import ENDING, _boot, _temporary_prefix, link_or_copy, put_in_place, replacing, staging_folder


def die_while_writing(folder: Path) -> None:
    with staging_folder(folder, "set"), replacing(folder / "file.json") as work:
        work.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_left_is_removed_by_the_next_writer_of_the_same_name(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=die_while_writing, args=(tmp_path,))
    process.start()
    process.join()
    assert len(list(tmp_path.iterdir())) == 2
    assert not (tmp_path / "file.json").exists()
    with staging_folder(tmp_path, "set"), replacing(tmp_path / "file.json") as work:
        assert len(list(tmp_path.iterdir())) == 2
        work.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]
    assert (tmp_path / "file.json").read_text() == "whole"


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    with replacing(tmp_path / "file.json") as first, replacing(tmp_path / "file.json") as second:
        assert first.exists()
        assert first != second


def leftover(folder: Path, boot: str, age: float = 0.0) -> Path:
    path = folder / f"{_temporary_prefix('file.json')}-{boot}-{secrets.token_hex(8)}{ENDING}"
    path.write_text("half")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_a_lock_tells_what_is_in_use_not_a_host_name_or_a_process_number(tmp_path: Path) -> None:
    """Two containers of one machine may share a folder, a host name and process numbers."""
    in_use, ended = leftover(tmp_path, _boot()), leftover(tmp_path, _boot())
    with in_use.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with replacing(tmp_path / "file.json") as work:
            work.write_text("whole")
        assert in_use.exists()
    assert not ended.exists()


def test_another_machines_leftovers_stay_for_a_day(tmp_path: Path) -> None:
    """Some network file systems keep locks within one machine."""
    young, old = leftover(tmp_path, "0" * 8, 3600.0), leftover(tmp_path, "0" * 8, 25 * 3600.0)
    with replacing(tmp_path / "file.json") as work:
        work.write_text("whole")
    assert young.exists()
    assert not old.exists()


def test_hidden_files_of_the_users_stay(tmp_path: Path) -> None:
    mine = [f"{_temporary_prefix(name)}-mine" for name in ("file.json", "set")]
    (tmp_path / mine[0]).write_text("mine")
    (tmp_path / mine[1]).mkdir()
    with replacing(tmp_path / "file.json") as work, staging_folder(tmp_path, "set"):
        work.write_text("whole")
    assert {path.name for path in tmp_path.iterdir()} == {*mine, "file.json"}


def test_a_path_that_cannot_be_opened_is_an_error_and_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> int:
        raise PermissionError(13, "not yours", str(path))

    monkeypatch.setattr("hashbench.util.files._open", refused)
    with pytest.raises(StorageError, match="cannot be written"), replacing(tmp_path / "file.json"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_file_system_that_flushes_no_folders_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "no folders")

    monkeypatch.setattr("hashbench.util.files.os.fsync", fsync)
    with replacing(tmp_path / "file.json") as work:
        work.write_text("whole")
    assert (tmp_path / "file.json").read_text() == "whole"


def test_a_file_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[int] = []

    def lock_late(handle: int, operation: int) -> None:
        if not locked:
            next(tmp_path.glob(".*")).unlink()
        locked.append(operation)

    monkeypatch.setattr("hashbench.util.files.fcntl.flock", lock_late)
    with replacing(tmp_path / "file.json") as work:
        work.write_text("whole")
    assert len(locked) == 2
    assert (tmp_path / "file.json").read_text() == "whole"


def test_files_and_folders_get_the_users_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "file.json") as work:
            work.write_text("whole")
        with staging_folder(tmp_path, "set") as stage:
            (stage / "file").write_text("")
            put_in_place(stage, tmp_path / "set")
    finally:
        os.umask(before)
    assert (tmp_path / "file.json").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "set").stat().st_mode & 0o777 == 0o750


def test_the_folder_is_flushed_behind_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr("hashbench.util.files.os.fsync", noted)
    with replacing(tmp_path / "file.json") as work:
        work.write_text("whole")
        temporary = str(work)
    assert flushed == [temporary, str(tmp_path)]


def test_a_link_to_a_file_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "page.html").write_text("old")
    (tmp_path / "page.html").symlink_to("kept/page.html")
    with replacing(tmp_path / "page.html") as work:
        assert work.parent == tmp_path / "kept", "one file system, so that it can be renamed"
        work.write_text("new")
    assert (tmp_path / "page.html").is_symlink()
    assert (tmp_path / "kept" / "page.html").read_text() == "new"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["page.html"]


@pytest.mark.parametrize("goal", ["nowhere", "file.json"])
def test_a_link_to_nothing_or_to_itself_is_replaced(tmp_path: Path, goal: str) -> None:
    (tmp_path / "file.json").symlink_to(goal)
    with replacing(tmp_path / "file.json") as work:
        work.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]
    assert not (tmp_path / "file.json").is_symlink()


def test_a_name_as_long_as_a_file_system_allows_can_be_written(tmp_path: Path) -> None:
    name = "ä" * 120 + "-label.json"
    assert 250 < len(os.fsencode(name)) <= 255
    with replacing(tmp_path / name) as work, staging_folder(tmp_path, name):
        work.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_torch_saves_to_it(tmp_path: Path) -> None:
    with replacing(tmp_path / "weights") as work:
        torch.save({"weight": torch.ones(2)}, work)
    assert torch.load(tmp_path / "weights")["weight"].tolist() == [1, 1]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text("old")

    def fail() -> None:
        with replacing(tmp_path / "file.json") as work:
            work.write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]
    assert (tmp_path / "file.json").read_text() == "old"


def test_a_staged_tree_is_merged_into_one_that_is_there(tmp_path: Path) -> None:
    for file in ("stage/a", "stage/deep/b", "stage/new/c", "target/a", "target/deep/b", "target/deep/mine"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(file)
    put_in_place(tmp_path / "stage", tmp_path / "target")
    target = tmp_path / "target"
    assert {file.relative_to(target).as_posix(): file.read_text() for file in target.rglob("*") if file.is_file()} == {
        "a": "stage/a",
        "deep/b": "stage/deep/b",
        "deep/mine": "target/deep/mine",
        "new/c": "stage/new/c",
    }


def test_what_is_in_the_way_of_a_staged_tree_is_named_and_stays(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder" / "a").mkdir(parents=True)
    for target, kind in (("file", "a file, wanted a folder"), ("link", "a link to nothing, wanted a folder")):
        (tmp_path / "stage").mkdir(exist_ok=True)
        with pytest.raises(StorageError, match=rf"{target} is {kind}; move it away"):
            put_in_place(tmp_path / "stage", tmp_path / target)
    (tmp_path / "stage" / "a").touch()
    with pytest.raises(StorageError, match=r"folder/a is a folder, wanted a file; move it away"):
        put_in_place(tmp_path / "stage", tmp_path / "folder")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "a").is_dir()


def test_adopted_files_take_no_room_twice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to("file")
    link_or_copy(tmp_path / "link", tmp_path / "adopted")
    assert not (tmp_path / "adopted").is_symlink()
    assert (tmp_path / "adopted").stat().st_ino == (tmp_path / "file").stat().st_ino


def test_files_are_copied_where_the_file_system_has_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, target: Path) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    (tmp_path / "file").write_text("content")
    link_or_copy(tmp_path / "file", tmp_path / "adopted")
    assert (tmp_path / "adopted").read_text() == "content"
    assert (tmp_path / "adopted").stat().st_ino != (tmp_path / "file").stat().st_ino
