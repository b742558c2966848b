"""Files that are whole or absent: checksums, and staged work that is put in place by renaming."""

import hashlib
import os
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
    """A temporary folder inside ``root`` (made if need be), removed afterwards whatever happens."""
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(staged: Path, target: Path) -> None:
    """Rename the folder ``staged`` to ``target``; where that exists already, replace its files one by one.

    Both must lie in one file system. At every moment each file in ``target`` is an old or a new one, and whole.
    """
    staged.chmod(0o755)
    try:
        staged.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        for file in sorted(staged.iterdir()):
            file.replace(target / file.name)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside ``target`` to write to; flushed to disk and renamed at the end, removed on failure."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
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
