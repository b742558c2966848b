"""Files are whole or absent, and what a killed process left is removed by the next."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from hashbench.files import replacing, staging_folder


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
