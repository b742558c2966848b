"""Checksums, and files that are written whole or not at all: staged, then renamed."""

import glob
import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def file_sum(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file's bytes, hexadecimal; ``algorithm`` as hashlib calls it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


@contextmanager
def staging_folder(root: Path, name: str) -> Iterator[Path]:
    """A temporary folder inside ``root`` (made if need be), removed at the end.

    Removes what killed processes left under the same name; see :func:`_own_prefix`.
    """
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_own_prefix(root, name), dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(staged: Path, target: Path) -> None:
    """Rename the folder ``staged`` to ``target``; if that exists, replace its files one by one, recursively.

    Both must be on one file system. At every moment each file in ``target`` is whole, an old or a new one.
    """
    staged.chmod(0o755)
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

    Removes what killed processes left of the same target; see :func:`_own_prefix`.
    """
    handle, name = tempfile.mkstemp(prefix=_own_prefix(target.parent, target.name), dir=target.parent)
    os.close(handle)
    work = Path(name)
    try:
        yield work
        with work.open("rb+") as file:
            os.fsync(file.fileno())
        work.chmod(0o644)
        work.replace(target)
    finally:
        work.unlink(missing_ok=True)


def _own_prefix(folder: Path, name: str) -> str:
    """The prefix ".name-host-pid-"; removes what ended processes of this host left under the same name."""
    host = re.sub(r"[^A-Za-z0-9]", "_", platform.node()) or "host"
    for leftover in folder.glob(f".{glob.escape(name)}-{host}-*"):
        owner = leftover.name.removeprefix(f".{name}-{host}-").partition("-")[0]
        if owner.isdecimal() and not _is_running(int(owner)):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)
    return f".{name}-{host}-{os.getpid()}-"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
