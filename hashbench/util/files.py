"""Checksums, and files that are written whole or not at all: staged, then renamed."""

import fcntl
import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from hashbench.errors import StorageError
from hashbench.util.storage import make_folder, writing

FOREIGN_LEFTOVER_SECONDS = 24 * 3600.0
LONGEST_NAME = 255 - 24  # bytes that a file system allows, less the longest ending
ENDING = ".part"  # of temporary names; torch.save takes no name whose only dot is its first character

_TEMPORARY = re.compile(rf"\.hashbench-[0-9a-f]{{16}}-([0-9a-f]{{8}})-[0-9a-f]{{16}}{re.escape(ENDING)}")


def file_sum(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file's bytes, hexadecimal; ``algorithm`` as hashlib calls it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def name_with_key(words: str, key: str) -> str:
    """``words-key``, a file's name without its ending; ``words``, of ASCII, are cut where it would be too long."""
    return f"{words[: LONGEST_NAME - len(key) - 1]}-{key}"


@contextmanager
def staging_folder(root: Path, name: str) -> Iterator[Path]:
    """A temporary folder inside ``root`` (made if need be), removed at the end.

    Removes what killed processes left under the same name.

    Raises:
        StorageError: ``root`` cannot be written.
    """
    with writing(make_folder(root)), _locked_new(root, name, lambda folder: folder.mkdir()) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def put_in_place(staged: Path, target: Path) -> None:
    """Rename the folder ``staged`` to ``target``; if that exists, replace its files one by one, recursively.

    Both must be on one file system. At every moment each file in ``target`` is whole, an old or a new one.

    Raises:
        StorageError: there is a file where a folder belongs, or a folder where a file belongs; it stays.
    """
    try:
        staged.rename(target)
    except OSError as error:
        if not target.is_dir():
            if target.is_symlink() or target.exists():
                kind = "a file" if target.exists() else "a link to nothing"
                raise StorageError(f"{target} is {kind}, wanted a folder; move it away") from error
            raise
        for entry in sorted(staged.iterdir()):
            goal = target / entry.name
            if entry.is_dir():
                put_in_place(entry, goal)
            elif goal.is_dir() and not goal.is_symlink():
                raise StorageError(f"{goal} is a folder, wanted a file; move it away") from error
            else:
                entry.replace(goal)


def link_or_copy(source: Path, target: Path) -> None:
    """Make ``target`` a hard link to the file ``source``, or a copy if the file system cannot link them."""
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside ``target`` to write to; flushed to disk and renamed at the end, removed on failure.

    A link to a file stays, and the file that it names is replaced; a link to nothing is itself replaced. Removes what
    killed processes left of the same target.

    Raises:
        StorageError: the folder of ``target`` cannot be written.
    """
    if target.is_symlink() and target.exists():
        target = target.resolve()
    folder = target.parent
    with writing(folder), _locked_new(folder, target.name, lambda file: file.touch(exist_ok=False)) as work:
        try:
            with writing(folder):  # while the file is there, which may be what fills the disk
                yield work
                _flush(work)
                work.replace(target)
            with suppress(OSError):  # a file system that flushes no folders
                _flush(target.parent)
        finally:
            work.unlink(missing_ok=True)


@contextmanager
def _locked_new(folder: Path, name: str, create: Callable[[Path], None]) -> Iterator[Path]:
    """A new path as :func:`_temporary_prefix` begins it that stays locked while it is in use; removes leftovers first.

    Between creating and locking it, another process may take the path for a leftover and remove it; then a new one is
    made.
    """
    _remove_leftovers(folder, name)
    while True:
        path = folder / f"{_temporary_prefix(name)}-{_boot()}-{secrets.token_hex(8)}{ENDING}"
        create(path)
        try:
            handle = _open(path)
        except FileNotFoundError:
            continue
        except OSError:
            _remove(path)
            raise
        try:
            with suppress(OSError):  # a file system without locks, where leftovers stay
                fcntl.flock(handle, fcntl.LOCK_EX)
            if path.exists():
                yield path
                return
        finally:
            os.close(handle)


def _temporary_prefix(name: str) -> str:
    """The beginning of a temporary name, of one length, since ``name`` alone may have all 255 bytes there can be."""
    return f".hashbench-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


@cache
def _boot() -> str:
    """Eight digits for this start of this machine's kernel, which containers share; locks are reliable within it."""
    file = Path("/proc/sys/kernel/random/boot_id")
    own = file.read_text(encoding="ascii") if file.exists() else platform.node()
    return hashlib.sha256(own.encode()).hexdigest()[:8]


def _remove_leftovers(folder: Path, name: str) -> None:
    """Remove paths under a temporary name that no process has locked."""
    prefix = _temporary_prefix(name)
    for path in folder.iterdir():
        if path.name.startswith(prefix):
            with _abandoned(path) as abandoned:
                if abandoned:
                    _remove(path)


def is_abandoned(path: Path) -> bool:
    """Whether ``path`` has a temporary name of this module's, and no process has it locked.

    Those of other machines, whose locks may not be seen here, have to be a day old as well.
    """
    with _abandoned(path) as abandoned:
        return abandoned


@contextmanager
def _abandoned(path: Path) -> Iterator[bool]:
    """:func:`is_abandoned`, with the path locked inside where it is."""
    match = _TEMPORARY.fullmatch(path.name)
    with ExitStack() as stack:
        abandoned = False
        with suppress(OSError):  # in use, gone, another user's, or on a file system without locks
            if match and (match[1] == _boot() or time.time() - path.stat().st_mtime >= FOREIGN_LEFTOVER_SECONDS):
                handle = _open(path)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                abandoned = True
        yield abandoned


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _open(path: Path) -> int:
    """A handle to lock; for writing where it can be, since locks on network file systems ask for it."""
    return os.open(path, (os.O_RDONLY if path.is_dir() else os.O_RDWR) | os.O_CLOEXEC)


def _flush(path: Path) -> None:
    """Have the system write a file, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
