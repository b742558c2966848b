"""Unpacks zip and tar archives, after a check that all members stay inside the folder."""

import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from hashbench.errors import UsageError
from hashbench.util.storage import FULL

# What a damaged archive raises; RuntimeError: an encrypted zip, or an unknown compression.
DAMAGE_ERRORS = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError)
CHUNK_BYTES = 1 << 20


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar (also tar.gz) into ``folder``, which exists.

    A failure may leave some members behind, so ``folder`` belongs in a staging folder.

    Raises:
        UsageError: a member points outside of ``folder``, is a link or a device (nothing is written then), or the
            archive is damaged; the message names archive and member.
        OSError: the disk of ``folder`` is full, for the staging folder to word.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                _check(archive, _zip_members(packed))
                packed.extractall(folder)  # noqa: S202 - checked
        else:
            with tarfile.open(archive) as tar:
                _check(archive, _tar_members(tar))
                _check_end(tar)
                _extract(tar, folder)
    except DAMAGE_ERRORS as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise UsageError(f"the archive {archive} is damaged or no zip or tar ({reason}); get it anew") from error
    except OSError as error:
        if error.errno in FULL:
            raise
        raise UsageError(f"the archive {archive} cannot be unpacked into {folder} ({error})") from error


def points_outside(name: str) -> bool:
    """Whether a member of that name would lie outside of the folder that the archive is unpacked to."""
    path = PureWindowsPath(name)  # parses both kinds of slashes, and drives
    return bool(path.anchor) or ".." in path.parts


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    """Unpack members that were checked; Python before 3.11.4, Debian 12's say, has no filters."""
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
    else:
        tar.extractall(folder)  # noqa: S202 - checked


def _zip_members(packed: zipfile.ZipFile) -> Iterator[tuple[str, bool]]:
    """Each member's name and whether it is a plain file or a folder."""
    for member in packed.infolist():
        kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where the archive was not made on Unix
        yield member.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR)


def _tar_members(tar: tarfile.TarFile) -> Iterator[tuple[str, bool]]:
    for member in tar:
        yield member.name, member.isreg() or member.isdir()


def _check(archive: Path, members: Iterator[tuple[str, bool]]) -> None:
    for name, plain in members:
        if points_outside(name):
            raise UsageError(f"the archive {archive} has a member that points outside: {name!r}; nothing was unpacked")
        if not plain:
            raise UsageError(
                f"the archive {archive} has a member that is neither file nor folder: {name!r}; nothing was unpacked"
            )


def _check_end(tar: tarfile.TarFile) -> None:
    """Check that the tar ends with a block of zeros: tarfile takes a damaged header for the end as well.

    Reading on to the end of the file makes gzip compare its checksum.
    """
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it ends early")
    while tar.fileobj.read(CHUNK_BYTES):
        pass
