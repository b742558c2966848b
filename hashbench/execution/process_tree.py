"""A trial's process and all that it started, by Linux's /proc: which they are, their memory, their end."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_COUNTED = ("RssAnon", "RssShmem")  # what a process maps of files is the system's cache, and costs nothing
_COUNTED_ONCE = ("Pss_Anon", "Pss_Shmem")


@dataclass(frozen=True)
class Process:
    """A process that may have ended since; another one with its number started at another time."""

    pid: int
    parent: int
    session: int
    started: str


def tree(root: int) -> list[Process]:
    """The process with that number, its session, and all descendants of these that are there; none without /proc."""
    everyone = [process for folder in PROC.glob("[0-9]*") if (process := _read(folder.name)) is not None]
    found = {process.pid: process for process in everyone if root in (process.pid, process.session)}
    grown = True
    while grown:
        more = [process for process in everyone if process.parent in found and process.pid not in found]
        found |= {process.pid: process for process in more}
        grown = bool(more)
    return list(found.values())


def descendants(root: int) -> list[int]:
    """Numbers of the process and its descendants, found from parent to child, which is quick."""
    pids = [root]
    for pid in pids:  # grows meanwhile
        with contextlib.suppress(OSError):
            for thread in (PROC / str(pid) / "task").iterdir():
                pids += map(int, (thread / "children").read_text().split())
    return pids


def memory(pids: list[int], limit: int) -> int:
    """Bytes that processes take: anonymous and shared memory, without mapped files.

    Args:
        pids: the processes.
        limit: up to which pages that they share may be counted several times; beyond it each is counted once, which
            takes the system longer.
    """
    total = sum(_kibibytes(pid, "status", _COUNTED) for pid in pids) * 1024
    return total if total <= limit else sum(_kibibytes(pid, "smaps_rollup", _COUNTED_ONCE) for pid in pids) * 1024


def oom_kills() -> int:
    """How many processes the system has ended since it started because memory ran out; 0 where it does not say."""
    try:
        lines = (PROC / "vmstat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def kill(processes: list[Process]) -> None:
    """End those that are still there, at once."""
    for process in processes:
        now = _read(str(process.pid))
        if now is not None and now.started == process.started:  # its parent may be another one
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)


def _read(name: str) -> Process | None:
    try:
        words = (PROC / name / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Process(int(name), int(words[1]), int(words[3]), words[19])


def _kibibytes(pid: int, file: str, fields: tuple[str, ...]) -> int:
    try:
        lines = (PROC / str(pid) / file).read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.partition(":")[0] in fields)
