"""The feature cache under damage, errors, kills and company."""

import errno
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hashbench.features import cache
from hashbench.features.parts import PART_ROWS, PartedArray, Stamp
from hashbench.util.processes import ProcessName
from tests.features.numbered import COUNT, Numbered, Spelling, assert_spelt, cached, folder, seen_again


def test_a_flipped_bit_is_noticed_and_only_its_part_made_again(tmp_path: Path) -> None:
    cached(tmp_path, Spelling())
    file = folder(tmp_path) / "features.bin"
    content = bytearray(file.read_bytes())
    content[PART_ROWS * 8 + 77] ^= 1
    file.write_bytes(content)
    lines: list[str] = []
    assert seen_again(tmp_path, lines=lines) == PART_ROWS
    assert (
        lines[0] == f"features {folder(tmp_path)}: items {PART_ROWS:,} to {2 * PART_ROWS - 1:,} are damaged; made again"
    )
    assert lines[1] == f"spelling of numbered: extracting {PART_ROWS:,} images, {COUNT - PART_ROWS:,} are there"
    assert seen_again(tmp_path) == 0


@pytest.mark.parametrize(("length", "made_again"), [(PART_ROWS * 8 + 1, COUNT - PART_ROWS), (0, COUNT), (None, COUNT)])
def test_what_is_cut_off_is_made_again(tmp_path: Path, length: int | None, made_again: int) -> None:
    cached(tmp_path, Spelling())
    file = folder(tmp_path) / "features.bin"
    if length is None:
        file.unlink()
    else:
        os.truncate(file, length)
    assert seen_again(tmp_path) == made_again
    assert seen_again(tmp_path) == 0


@pytest.mark.parametrize("damage", ["half", "other sum", "other width", "not JSON", "list"])
def test_with_a_damaged_journal_all_is_made_again(tmp_path: Path, damage: str) -> None:
    cached(tmp_path, Spelling())
    journal = folder(tmp_path) / "parts.json"
    text = journal.read_text()
    content = json.loads(text)
    damaged = {
        "half": text[: len(text) // 2],
        "other sum": json.dumps({**content, "sums": [content["sums"][0][::-1], *content["sums"][1:]]}),
        "other width": json.dumps({**content, "layout": [COUNT, 1, "float32", PART_ROWS]}),
        "not JSON": "\0",
        "list": "[]",
    }
    journal.write_text(damaged[damage])
    lines: list[str] = []
    assert seen_again(tmp_path, lines=lines) == COUNT + 1
    assert lines[0].startswith(f"features: {journal} is damaged")
    assert lines[0].endswith("; all are made again")
    assert seen_again(tmp_path) == 0


# Once per run


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gets the number of a part whenever one is read."""
    read: list[int] = []
    sum_on_disk = PartedArray._sum_on_disk

    def watched(array: PartedArray, number: int) -> str | None:
        read.append(number)
        return sum_on_disk(array, number)

    monkeypatch.setattr(PartedArray, "_sum_on_disk", watched)
    return read


def test_a_file_is_verified_once_per_run_and_again_in_the_next(
    tmp_path: Path, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SECONDS_TO_SETTLE", -1.0)
    for _ in range(2):
        verified: dict[str, Stamp] = {}
        sums = {cached(tmp_path, Spelling(), verified=verified).sha256 for _ in range(4)}
        assert len(sums) == 1
        assert list(verified) == [str(folder(tmp_path))]
    assert sorted(read) == sorted([0, 1, 2] * 2)  # after the extraction once, in the second run once


def test_a_file_that_changed_in_a_run_is_verified_again(
    tmp_path: Path, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SECONDS_TO_SETTLE", -1.0)
    verified: dict[str, Stamp] = {}
    for _ in range(2):
        cached(tmp_path, Spelling(), verified=verified)
    file = folder(tmp_path) / "features.bin"
    status = file.stat()
    content = bytearray(file.read_bytes())
    content[77] ^= 1
    time.sleep(0.05)  # longer than the tick of a file system's clock
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    spelling = Spelling()
    assert_spelt(cached(tmp_path, spelling, verified=verified).values)
    assert spelling.seen == PART_ROWS


def test_a_file_that_has_just_changed_is_not_taken_for_verified(
    tmp_path: Path, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SECONDS_TO_SETTLE", 1e6)
    verified: dict[str, Stamp] = {}
    for _ in range(3):
        cached(tmp_path, Spelling(), verified=verified)
    assert verified == {}
    assert sorted(read) == [0, 0, 1, 1, 2, 2]


# Interruptions


class StopError(Exception):
    """Interrupts an extraction."""


def stop_after(images: int) -> Callable[[int], None]:
    def before(seen: int) -> None:
        if seen > images:
            raise StopError

    return before


def test_an_error_half_way_keeps_the_whole_parts(tmp_path: Path) -> None:
    whole = cached(tmp_path / "whole", Spelling(), asked := Numbered())
    with pytest.raises(StopError):
        cached(tmp_path, Spelling(before=stop_after(PART_ROWS + 200)))
    lines: list[str] = []
    again = Numbered()
    continued = Spelling()
    assert cached(tmp_path, continued, again, lines).sha256 == whole.sha256
    assert continued.seen == COUNT - PART_ROWS
    assert lines[0] == f"spelling of numbered: extracting {COUNT - PART_ROWS:,} images, {PART_ROWS:,} are there"
    # A part is cut into blocks in the same way, wherever the extraction began, so that rounding is the same too.
    assert again.asked == [block for block in asked.asked if block[0] >= PART_ROWS]


def extract_until(root: Path, images: int) -> None:
    torch.set_num_threads(1)  # a forked process has no thread pool
    cached(root, Spelling(before=lambda seen: time.sleep(60) if seen > images else None))


def test_a_killed_extraction_goes_on_where_it_was_saved_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SECONDS_BETWEEN_SAVES", 0.0)
    process = multiprocessing.get_context("fork").Process(target=extract_until, args=(tmp_path, PART_ROWS + 200))
    process.start()
    deadline = time.monotonic() + 60
    while not any(parts_made(tmp_path)):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert parts_made(tmp_path) == [True, False, False]
    assert seen_again(tmp_path) == COUNT - PART_ROWS
    assert seen_again(tmp_path) == 0
    assert sorted(file.name for file in folder(tmp_path).iterdir()) == ["features.bin", "parts.json"]


def parts_made(root: Path) -> list[bool]:
    try:
        return [sum_ is not None for sum_ in json.loads((folder(root) / "parts.json").read_text())["sums"]]
    except (OSError, ValueError):
        return []


def test_of_two_that_need_the_same_one_extracts_and_the_other_waits(tmp_path: Path) -> None:
    begun, waits = threading.Event(), threading.Event()

    def before(seen: int) -> None:
        if seen > PART_ROWS:
            begun.set()
            assert waits.wait(60)

    first = threading.Thread(target=cached, args=(tmp_path, Spelling(before=before)))
    first.start()
    assert begun.wait(60)
    lines: list[str] = []

    class Watched(list[str]):
        def append(self, line: str) -> None:
            lines.append(line)
            waits.set()

    second = Spelling()
    assert_spelt(cached(tmp_path, second, lines=Watched()).values)
    first.join()
    assert second.seen == 0
    name = folder(tmp_path).name
    assert lines == [f"features {name} are being extracted by {ProcessName.own()}; waiting for it"]


def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert_spelt(cached(tmp_path, Spelling()).values)
    assert seen_again(tmp_path) == 0
