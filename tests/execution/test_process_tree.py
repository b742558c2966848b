"""What a trial's process and its children take, and that none of them is left."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashbench.execution import process_tree

MIB = 1 << 20
# 64 MiB before the fork, which both processes have; 32 MiB of each alone; 48 MiB that both write to;
# and 256 MiB of a file, mapped and read.
FAMILY = """import mmap, os, sys, time
kept = bytearray(b"1") * (64 << 20)
shared = mmap.mmap(-1, 48 << 20)
shared.write(b"1" * (48 << 20))
with open(sys.argv[1], "wb") as file:
    file.write(b"1" * (256 << 20))
with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
sum(mapped[::4096])
if os.fork() == 0:
    os.setsid()
    shared[:] = b"2" * len(shared)
own = bytearray(b"1") * (32 << 20)
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """A process and its child, which has a session of its own."""
    command = [sys.executable, "-c", FAMILY, str(tmp_path / "file")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout is not None
        pids = {int(parent.stdout.readline()) for _ in range(2)}
        (child,) = pids - {parent.pid}
        yield parent.pid, child
        process_tree.kill(process_tree.tree(parent.pid))


def test_pages_that_processes_share_count_once_and_files_do_not(family: tuple[int, int]) -> None:
    pids = process_tree.descendants(family[0])
    assert sorted(pids) == sorted(family)
    python = 30 * MIB  # of interpreters, at most
    wanted = (64 + 32 + 32 + 48) * MIB
    assert wanted <= process_tree.memory(pids, 0) < wanted + python
    quick = process_tree.memory(pids, 1 << 40)
    assert wanted + (64 + 48) * MIB <= quick < wanted + (64 + 48) * MIB + python


def test_a_tree_is_known_by_session_and_by_descent_and_ends_as_a_whole(family: tuple[int, int]) -> None:
    found = process_tree.tree(family[0])
    assert sorted(process.pid for process in found) == sorted(family)
    process_tree.kill(found)
    deadline = time.monotonic() + 10
    while process_tree._read(str(family[1])) is not None and _alive(family[1]):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_number_that_another_process_has_now_is_left_alone() -> None:
    (own,) = [process for process in process_tree.tree(os.getpid()) if process.pid == os.getpid()]
    process_tree.kill([process_tree.Process(own.pid, own.parent, own.session, "0")])


def test_a_process_that_has_ended_takes_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert process_tree.memory([process.pid], 0) == 0
    assert process_tree.descendants(process.pid) == [process.pid]
    assert process_tree.oom_kills() >= 0


def _alive(pid: int) -> bool:
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
