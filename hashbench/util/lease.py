"""Leases: files that say who is at work on something, on any file system that several machines may share.

A lease is held by whoever made its file, which only one can (O_EXCL); nothing is locked. Its holder writes to the file
every few seconds, through the handle that made it. Who wants the lease watches the file; once it has not changed for a
minute of the watcher's own clock, the holder is taken for dead. The lease is then not taken away, which two watchers
could do at once, but outbid: by a file of the next number, which again only one can make. The file with the highest
number is the lease.
"""

import contextlib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hashbench.util.processes import ProcessName
from hashbench.util.storage import writing

HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 60.0
POLL_SECONDS = 0.2
SIZE = 2048  # bytes of a lease, always the same: one write replaces all of it
ENDING = ".lease"

Life = Literal["running", "silent", "lost"]
"""Whether the holder of a lease lives, gave no sign of life when it should have, or has certainly ended."""


class Lease:
    """A lease that this process holds; a thread of its own keeps it alive until it is released.

    Attributes:
        about: what its holder is doing, for those who read it; written with the next heartbeat.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path, self.about = path, about
        self._handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
        self._beats, self._token, self._released = 0, secrets.token_hex(8), threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name=f"lease {path.name}", daemon=True)
        self._beat()
        self._thread.start()

    def release(self) -> None:
        """Give the lease up; its file goes last, after those that it outbid."""
        name, number = _name_and_number(self.path)
        self._end([lower for lower in sorted(_numbers(self.path.parent, name)) if lower <= number])

    def withdraw(self) -> None:
        """Undo the making of its file, which has outbid nobody."""
        self._end([_name_and_number(self.path)[1]])

    def _end(self, numbers: Sequence[int]) -> None:
        self._released.set()
        self._thread.join()
        name = _name_and_number(self.path)[0]
        with suppress(OSError):  # the folder is gone, or may not be written any more
            if self._is_own():
                for number in numbers:
                    _path(self.path.parent, name, number).unlink(missing_ok=True)
        os.close(self._handle)

    def _is_own(self) -> bool:
        """Whether the file is still the one that was made here: one that was outbid may be gone and made anew."""
        return os.path.samestat(os.fstat(self._handle), self.path.stat())

    def _keep_alive(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            self._beat()

    def _beat(self) -> None:
        self._beats += 1
        content = {"holder": ProcessName.own()._asdict(), "beat": self._beats, "token": self._token}
        text = json.dumps({**content, "about": self.about}).encode()
        if len(text) > SIZE:
            text = json.dumps({**content, "about": {}}).encode()
        with suppress(OSError):  # a full disk, or a folder that is gone: the work itself will say so
            os.pwrite(self._handle, text.ljust(SIZE), 0)
            os.fsync(self._handle)  # other machines see it


@dataclass(frozen=True)
class LeaseState:
    """A lease as its file has it.

    Attributes:
        file: of the lease.
        name: of the lease.
        holder: None where the file does not say, which was made this very moment or is damaged.
        about: what its holder is doing.
        beat: number of its last heartbeat.
    """

    file: Path
    name: str
    holder: ProcessName | None
    about: Mapping[str, Any]
    beat: int

    def is_abandoned(self) -> bool:
        """Whether its holder has certainly ended; of one elsewhere only its heartbeats tell."""
        return self.holder is not None and self.holder.is_running() is False


class Candidate:
    """Wants one lease: takes it when it is free, or when its holder is seen to be dead.

    Args:
        folder: of the leases; it has to be there.
        name: of the lease, as part of a file's name.
        clock: returns seconds, like time.monotonic.

    Attributes:
        holder: who was seen to hold it, when :meth:`take` did not get it last.
    """

    def __init__(self, folder: Path, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self.name, self.clock = folder, name, clock
        self.holder: ProcessName | None = None
        self._seen: tuple[int, bytes] | None = None
        self._since = 0.0

    def take(self, about: Mapping[str, Any]) -> Lease | None:
        """The lease, or None while another holds it.

        Raises:
            StorageError: the folder cannot be written.
        """
        with writing(self.folder):
            numbers = _numbers(self.folder, self.name)
            last = max(numbers, default=None)
            if last is not None and not self._is_abandoned(last):
                return None
            try:
                lease = Lease(_path(self.folder, self.name, 0 if last is None else last + 1), about)
            except FileExistsError:  # another was quicker
                return None
        if self._is_overtaken(last):
            lease.withdraw()
            return None
        return lease

    def _is_abandoned(self, number: int) -> bool:
        content = _content(self.folder, self.name, number)
        if content is None:  # given up this moment
            return False
        if (number, content) != self._seen:
            self._seen, self._since = (number, content), self.clock()
        state = _state(_path(self.folder, self.name, number), content)
        self.holder = state.holder
        return state.is_abandoned() or self.clock() - self._since >= STALE_SECONDS

    def _is_overtaken(self, outbid: int | None) -> bool:
        """Whether another holds the lease although a file of this one's could be made.

        That is so if there is a higher number, made from an older look at the folder; and if the file that was outbid
        is not as it was seen: then its holder is alive, or a successor has done its work and left, and others may have
        begun at 0.
        """
        if outbid is None:
            return max(_numbers(self.folder, self.name), default=0) > 0
        if (outbid, _content(self.folder, self.name, outbid)) != self._seen:
            return True
        return max(_numbers(self.folder, self.name)) > outbid + 1


@contextlib.contextmanager
def held(folder: Path, name: str, about: Mapping[str, Any], on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold a lease inside; waits while another process holds it.

    Args:
        folder: of the lease; it has to be there.
        name: of the lease.
        about: what is done while it is held.
        on_wait: called once with who holds it, before it is waited for.

    Raises:
        StorageError: the folder cannot be written.
    """
    candidate, waits = Candidate(folder, name), False
    while (lease := candidate.take(about)) is None:
        if not waits and candidate.holder is not None:
            on_wait(str(candidate.holder))
            waits = True
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lease.release()


def leases(folder: Path) -> list[LeaseState]:
    """The leases in a folder, in the order of their names; none where there is no folder."""
    if not folder.is_dir():
        return []
    highest: dict[str, int] = {}
    for file in folder.iterdir():
        if re.fullmatch(rf".+-\d+{re.escape(ENDING)}", file.name):
            name, number = _name_and_number(file)
            highest[name] = max(number, highest.get(name, number))
    contents = [(name, number, _content(folder, name, number)) for name, number in sorted(highest.items())]
    return [_state(_path(folder, name, number), content) for name, number, content in contents if content is not None]


def signs_of_life(folder: Path) -> list[tuple[LeaseState, Life]]:
    """The leases in a folder, and whether their holders live.

    Those of other machines are looked at twice, a heartbeat apart. What is given up meanwhile is left out.
    """
    first = leases(folder)
    if all(lease.holder is not None and lease.holder.is_running() is not None for lease in first):
        return [(lease, "lost" if lease.is_abandoned() else "running") for lease in first]
    time.sleep(HEARTBEAT_SECONDS + 1)
    second = {lease.file: lease for lease in leases(folder)}
    return [(second[lease.file], _life(lease, second[lease.file])) for lease in first if lease.file in second]


def _life(before: LeaseState, now: LeaseState) -> Life:
    if now.is_abandoned():
        return "lost"
    seen_here = now.holder is not None and now.holder.is_running()
    return "running" if seen_here or now != before else "silent"


def remove_gone(folder: Path, prefix: str) -> None:
    """Remove leases whose holder has certainly ended, of names that begin with ``prefix`` and that nobody will want."""
    for state in leases(folder):
        if state.name.startswith(prefix) and state.is_abandoned():
            for number in _numbers(folder, state.name):
                with suppress(OSError):
                    _path(folder, state.name, number).unlink(missing_ok=True)


def _state(file: Path, content: bytes) -> LeaseState:
    name = _name_and_number(file)[0]
    try:
        read = json.loads(content)
        holder = ProcessName(**read["holder"])
        return LeaseState(file, name, holder, read["about"], read["beat"])
    except (ValueError, KeyError, TypeError):
        return LeaseState(file, name, None, {}, 0)


def _content(folder: Path, name: str, number: int) -> bytes | None:
    """What is in a lease's file; None where there is none any more."""
    try:
        return _path(folder, name, number).read_bytes()
    except OSError:
        return None


def _path(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}-{number}{ENDING}"


def _name_and_number(path: Path) -> tuple[str, int]:
    name, _, number = path.name.removesuffix(ENDING).rpartition("-")
    return name, int(number)


def _numbers(folder: Path, name: str) -> set[int]:
    pattern = re.compile(rf"{re.escape(name)}-(\d+){re.escape(ENDING)}")
    try:
        entries = os.listdir(folder)  # noqa: PTH208 - names are all it takes
    except FileNotFoundError:
        return set()
    return {int(match[1]) for entry in entries if (match := pattern.fullmatch(entry))}
