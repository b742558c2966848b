"""Checksums, and files that are written whole or not at all: staged, then renamed."""

import fcntl
import glob
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def file_sum(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file's bytes, hexadecimal; ``algorithm`` as hashlib calls it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


@contextmanager
def staging_folder(root: Path, name: str) -> Iterator[Path]:
    """A temporary folder inside ``root`` (made if need be), removed at the end.

    Removes what killed processes left under the same name.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _locked_new(root, name, lambda folder: folder.mkdir()) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def put_in_place(staged: Path, target: Path) -> None:
    """Rename the folder ``staged`` to ``target``; if that exists, replace its files one by one, recursively.

    Both must be on one file system. At every moment each file in ``target`` is whole, an old or a new one.
    """
    try:
        staged.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        for entry in sorted(staged.iterdir()):
            if entry.is_dir():
                put_in_place(entry, target / entry.name)
            else:
                entry.replace(target / entry.name)


def link_or_copy(source: Path, target: Path) -> None:
    """Make ``target`` a hard link to the file ``source``, or a copy if the file system cannot link them."""
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside ``target`` to write to; flushed to disk and renamed at the end, removed on failure.

    Removes what killed processes left of the same target.
    """
    with _locked_new(target.parent, target.name, lambda file: file.touch(exist_ok=False)) as work:
        try:
            yield work
            _flush(work)
            work.replace(target)
            _flush(target.parent)
        finally:
            work.unlink(missing_ok=True)


@contextmanager
def _locked_new(folder: Path, name: str, create: Callable[[Path], None]) -> Iterator[Path]:
    """A new path ".name-RANDOM" that is locked while it is in use.

    What nobody has locked was left by a process that is gone, on this machine or in another container that shares the
    folder: it is removed. It may be taken for one before it is locked, and is then made once more.
    """
    for leftover in folder.glob(f".{glob.escape(name)}-*"):
        _remove_unlocked(leftover)
    while True:
        path = folder / f".{name}-{secrets.token_hex(8)}"
        create(path)
        handle = _try_to_open(path)
        if handle is None:
            continue
        try:
            with suppress(OSError):  # a file system without locks, where leftovers stay
                fcntl.flock(handle, fcntl.LOCK_EX)
            if path.exists():
                yield path
                return
        finally:
            os.close(handle)


def _remove_unlocked(path: Path) -> None:
    handle = _try_to_open(path)
    if handle is None:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # in use, or a file system without locks
        return
    else:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _try_to_open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _flush(path: Path) -> None:
    """Have the system write a file, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
