"""Leases: one holder at a time, whoever dies and whenever."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from hashbench.errors import StorageError
from hashbench.util import lease
from hashbench.util.lease import STALE_SECONDS, Candidate, Lease, LeaseState, held, leases
from hashbench.util.processes import ProcessName

ELSEWHERE = ProcessName("another", 7, "a-kernel pid:[1] 99")


class Clock:
    """A clock that moves only when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def never_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease of a test is seen alive when it says so, and not because five seconds have gone by."""
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 1000.0)


def left_by(holder: ProcessName, folder: Path, number: int = 0, beat: int = 1) -> Path:
    """The file of a lease as ``holder`` wrote it last."""
    file = folder / f"key-{number}.lease"
    file.write_text(json.dumps({"holder": holder._asdict(), "beat": beat, "about": {}}))
    return file


def take(folder: Path, clock: Clock | None = None) -> Lease | None:
    return Candidate(folder, "key", clock or Clock()).take({})


def test_only_one_holds_a_lease_and_it_is_free_afterwards(tmp_path: Path) -> None:
    first = take(tmp_path)
    assert first is not None
    assert take(tmp_path) is None
    assert Candidate(tmp_path, "another").take({}) is not None
    first.release()
    second = take(tmp_path)
    assert second is not None
    second.release()
    assert [file.name for file in tmp_path.iterdir()] == ["another-0.lease"]


def test_a_lease_says_who_holds_it_and_what_for(tmp_path: Path) -> None:
    holds = Candidate(tmp_path, "key").take({"phase": "fit"})
    assert holds is not None
    assert leases(tmp_path) == [LeaseState(tmp_path / "key-0.lease", "key", ProcessName.own(), {"phase": "fit"}, 1)]
    holds.about = {"phase": "encode"}
    holds._beat()
    assert leases(tmp_path) == [LeaseState(tmp_path / "key-0.lease", "key", ProcessName.own(), {"phase": "encode"}, 2)]
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size == lease.SIZE
    assert leases(tmp_path / "there is none") == []


def test_a_holder_elsewhere_is_taken_for_dead_only_once_its_file_has_not_changed_for_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    wants = Candidate(tmp_path, "key", clock)
    left_by(ELSEWHERE, tmp_path)
    assert wants.take({}) is None
    clock.now = STALE_SECONDS - 1
    left_by(ELSEWHERE, tmp_path, beat=2)
    assert wants.take({}) is None
    clock.now += STALE_SECONDS - 1
    assert wants.take({}) is None, "it was alive at the last look but one"
    assert wants.holder == ELSEWHERE
    clock.now += 1
    taken = wants.take({})
    assert taken is not None
    assert [state.holder for state in leases(tmp_path)] == [ProcessName.own()]
    taken.release()
    assert not list(tmp_path.iterdir())


def test_times_of_files_and_other_clocks_count_for_nothing(tmp_path: Path) -> None:
    file = left_by(ELSEWHERE, tmp_path)
    for changed in (0, 4e9):  # in 1970, and in 2096
        os.utime(file, (changed, changed))
        assert take(tmp_path) is None


def test_a_holder_that_was_killed_here_is_seen_to_be_dead_at_once(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path; import time
from hashbench.util.lease import Candidate
assert Candidate(Path({str(tmp_path)!r}), "key").take({{}})
print("holds", flush=True)
time.sleep(60)"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "holds\n"
    assert take(tmp_path) is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert take(tmp_path) is not None


def test_a_lease_without_a_word_is_one_that_is_being_made_until_a_minute_has_gone_by(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "key-0.lease").touch()
    wants = Candidate(tmp_path, "key", clock)
    assert wants.take({}) is None
    assert leases(tmp_path) == [LeaseState(tmp_path / "key-0.lease", "key", None, {}, 0)]
    clock.now = STALE_SECONDS
    assert wants.take({}) is not None


def test_of_two_that_find_a_holder_dead_one_gets_the_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left_by(ELSEWHERE, tmp_path)
    clock = Clock()
    first, second = (Candidate(tmp_path, "key", clock) for _ in range(2))
    assert first.take({}) is second.take({}) is None
    clock.now = STALE_SECONDS
    looked = lease._numbers(tmp_path, "key")
    taken = first.take({})
    assert taken is not None
    looks = iter([looked, lease._numbers(tmp_path, "key"), lease._numbers(tmp_path, "key")])
    monkeypatch.setattr(lease, "_numbers", lambda *_: next(looks))
    assert second.take({}) is None, "it looked before the first one took it"


def test_who_outbids_a_lease_that_was_taken_over_and_given_up_meanwhile_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_by(ELSEWHERE, tmp_path)
    clock = Clock()
    first, second = (Candidate(tmp_path, "key", clock) for _ in range(2))
    assert first.take({}) is second.take({}) is None
    clock.now = STALE_SECONDS
    made = lease.Lease

    def late(path: Path, about: Any) -> Lease:
        monkeypatch.setattr(lease, "Lease", made)
        taken = first.take({})
        assert taken is not None
        taken.release()
        third = take(tmp_path)
        assert third is not None
        assert third.path.name == "key-0.lease"
        return made(path, about)

    monkeypatch.setattr(lease, "Lease", late)
    assert second.take({}) is None, "key-1 could be made, but key-0 is of another holder now"
    assert [file.name for file in tmp_path.iterdir()] == ["key-0.lease"]


def test_a_higher_number_that_an_old_look_did_not_see_holds_the_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    wants = Candidate(tmp_path, "key", clock)
    left_by(ELSEWHERE, tmp_path)
    assert wants.take({}) is None
    clock.now = STALE_SECONDS
    holds = Lease(tmp_path / "key-2.lease", {})
    numbers = lease._numbers
    looks = iter([{0}])
    monkeypatch.setattr(lease, "_numbers", lambda *place: next(looks, None) or numbers(*place))
    assert wants.take({}) is None
    assert sorted(file.name for file in tmp_path.iterdir()) == ["key-0.lease", "key-2.lease"]
    holds.release()


def test_a_holder_that_wakes_up_while_it_is_outbid_keeps_its_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    wants = Candidate(tmp_path, "key", clock)
    left_by(ELSEWHERE, tmp_path)
    assert wants.take({}) is None
    clock.now = STALE_SECONDS
    made = lease.Lease

    def late(path: Path, about: Any) -> Lease:
        left_by(ELSEWHERE, tmp_path, beat=2)
        return made(path, about)

    monkeypatch.setattr(lease, "Lease", late)
    assert wants.take({}) is None
    assert leases(tmp_path)[0].holder == ELSEWHERE


def test_a_holder_that_slept_and_was_outbid_removes_nothing_of_its_successors(tmp_path: Path) -> None:
    slept = take(tmp_path)
    assert slept is not None
    assert slept.path.name == "key-0.lease"
    successor = Lease(tmp_path / "key-1.lease", {})
    slept._beat()
    assert take(tmp_path) is None
    slept.release()
    assert [file.name for file in tmp_path.iterdir()] == ["key-1.lease"]
    successor.release()


def test_nor_a_lease_that_was_made_anew_under_its_number(tmp_path: Path) -> None:
    slept = take(tmp_path)
    assert slept is not None
    slept.path.unlink()  # by a successor that has done its work
    anew = take(tmp_path)
    assert anew is not None
    slept.release()
    assert take(tmp_path) is None
    anew.release()


def test_a_heartbeat_comes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.01)
    holds = take(tmp_path)
    assert holds is not None
    deadline = time.monotonic() + 60
    while leases(tmp_path)[0].beat < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    holds.release()
    assert not holds._thread.is_alive()


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="gone"):
        take(tmp_path / "gone")


def test_who_waits_says_for_whom_and_goes_on_when_the_lease_is_free(tmp_path: Path) -> None:
    first, lines, entered = take(tmp_path), list[str](), threading.Event()
    assert first is not None

    def work() -> None:
        with held(tmp_path, "key", {}, lines.append):
            entered.set()

    waits = threading.Thread(target=work)
    waits.start()
    assert not entered.wait(0.5)
    first.release()
    assert entered.wait(60)
    waits.join()
    assert lines == [str(ProcessName.own())]
    assert not list(tmp_path.iterdir())


def _count_up(folder: Path, rounds: int) -> None:
    """Add to a number in a file, which only works if nobody else does so meanwhile."""
    done = 0
    while done < rounds:
        taken = Candidate(folder / "leases", "key").take({})
        if taken is not None:
            number = folder / "number"
            before = int(number.read_text())
            time.sleep(0.001)
            number.write_text(str(before + 1))
            done += 1
            if done < rounds:  # the last one is left to be outbid, its process being gone
                taken.release()


def test_processes_that_fight_for_a_lease_and_die_with_it_never_hold_it_together(tmp_path: Path) -> None:
    (tmp_path / "leases").mkdir()
    (tmp_path / "number").write_text("0")
    context = multiprocessing.get_context("forkserver")
    fighters = [context.Process(target=_count_up, args=(tmp_path, 20)) for _ in range(4)]
    for fighter in fighters:
        fighter.start()
    for fighter in fighters:
        fighter.join(60)
        assert fighter.exitcode == 0
    assert (tmp_path / "number").read_text() == "80"


def test_nothing_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system without flock."""

    def refuse(*_: Any) -> None:
        raise OSError("this file system has no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    with held(tmp_path, "key", {}, lambda _: None):
        assert len(leases(tmp_path)) == 1
