"""Folders that cannot be written: a full disk, a read-only or vanished folder, as one line that names it and why."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hashbench.errors import StorageError, UsageError
from hashbench.util.paths import CACHE_VARIABLE, absolute, cache_root

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
GONE = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO}
FULL_BYTES = 1 << 16  # a disk with less is full


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Inside, files are written to ``folder``: a failure of its disk is raised as one line that names both.

    Raises:
        StorageError: the disk is full, the folder is read-only, or it is not there any more.
    """
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        fault = _storage_fault(folder, error)
        if fault is None:
            raise
        raise fault from error


def make_folder(folder: Path) -> Path:
    """Make a folder, with those around it, where it is not there; returns it.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_be_written(str(folder), error) from error
    return folder


def check_writable(folder: Path) -> None:
    """Check that files can be written to a folder, before the work that would be lost.

    Raises:
        StorageError: it is not there, is read-only, or its disk is full.
    """
    number = 0
    if not folder.is_dir():
        number = errno.ENOTDIR if folder.exists() else errno.ENOENT
    elif not os.access(folder, os.W_OK):
        number = errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES
    elif shutil.disk_usage(folder).free < FULL_BYTES:
        number = errno.ENOSPC
    if number:
        raise _cannot_be_written(str(folder), OSError(number, os.strerror(number)))


def storage_fault(error: BaseException, folders: Iterable[Path]) -> StorageError | None:
    """The error as that of a folder, if a full or read-only disk is its cause, whoever raised it.

    Args:
        error: any.
        folders: where the file may have been written that the error does not name.
    """
    if isinstance(error, StorageError):
        return error
    if not isinstance(error, OSError) or error.errno not in FULL | {errno.EROFS}:
        return None
    if error.filename:
        return _cannot_be_written(str(Path(os.fsdecode(error.filename)).parent), error)
    full = [str(folder) for folder in folders if folder.is_dir() and shutil.disk_usage(folder).free < FULL_BYTES]
    return _cannot_be_written(full[0] if full else "a file", error)


def _storage_fault(folder: Path, error: Exception) -> StorageError | None:
    if isinstance(error, RuntimeError):  # torch's, for a file that it could not write
        full = folder.is_dir() and shutil.disk_usage(folder).free < FULL_BYTES
        return _cannot_be_written(str(folder), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) if full else None
    if not isinstance(error, OSError):
        return None
    named = bool(error.filename) and absolute(os.fsdecode(error.filename)).is_relative_to(absolute(folder))
    if error.errno in FULL | {errno.EROFS} or (error.errno in READ_ONLY | GONE and named):
        return _cannot_be_written(str(folder), error)
    return None


def _is_cached(folder: str) -> bool:
    try:
        return absolute(folder).is_relative_to(absolute(cache_root()))
    except UsageError:  # there is no cache
        return False


def _cannot_be_written(folder: str, error: OSError) -> StorageError:
    way_out = f"name another cache with {CACHE_VARIABLE}" if _is_cached(folder) else "name another folder"
    if error.errno in FULL:
        way_out = f"free some space there, or {way_out}"
    elif error.errno in READ_ONLY:
        way_out = f"make it writable, or {way_out}"
    elif error.errno in GONE and not Path(folder).exists():
        way_out = f"bring it back, or {way_out}"
    return StorageError(f"{folder} cannot be written ({error.strerror}); {way_out}")
