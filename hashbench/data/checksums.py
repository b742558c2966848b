"""Checksums of many files, cached, so that a file is read again only when it changed."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hashbench.errors import broken_files
from hashbench.util.files import replacing
from hashbench.util.progress import Log, Progress
from hashbench.util.storage import make_folder
from hashbench.util.threads import pool

CHUNK_FILES = 1024  # files handed to the threads at a time
SUM_BYTES = 16
READ_BYTES = 1 << 24  # of a file, held at a time


class KnownFile(NamedTuple):
    """A file as it was when it was read.

    Attributes:
        size: in bytes.
        content_changed: time of the last change of its content, in ns; copying tools can set it back.
        inode_changed: time of the last change of its inode, in ns; cannot be set back.
        sum: checksum of its bytes.
    """

    size: int
    content_changed: int
    inode_changed: int
    sum: str


def cached_checksums(folder: Path, names: Sequence[str], cache: Path, log: Log) -> list[str]:
    """Checksum (BLAKE2b of 16 bytes, hexadecimal) of each file ``folder / name``, in the order of ``names``.

    Cached in ``cache/sums``, one file per folder; a file of the same size and times is not read again. Several
    processes may do so at once: each writes the whole cache file, and sums that the last one lacks are computed again.

    Args:
        folder: where the files lie.
        names: their paths relative to it.
        cache: the cache's folder, made if need be.
        log: gets lines of progress.

    Raises:
        BrokenFiles: files cannot be read; names all of them.
    """
    folder_id = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    cache_file = cache / "sums" / f"{folder_id}.json"
    known = _read_known(cache_file, log)
    broken: dict[str, str] = {}
    states = _states(folder, names, broken)
    unread = [name for name, state in states.items() if name not in known or known[name][:3] != state]
    progress = Progress(len(unread), lambda line: log(f"checksums of {folder}: {line}"), "files")
    try:
        for start in range(0, len(unread), CHUNK_FILES):
            chunk = unread[start : start + CHUNK_FILES]
            for name, result in zip(chunk, pool().map(_sum, [folder / name for name in chunk]), strict=True):
                if isinstance(result, OSError):
                    broken[str(folder / name)] = _reason(result)
                else:
                    known[name] = KnownFile(*states[name], result)
            progress.done(len(chunk))
    finally:  # files read before a failure are not read again
        if unread:
            make_folder(cache_file.parent)
            with replacing(cache_file) as work:
                work.write_text(json.dumps(known))
    if broken:
        raise broken_files("file", "read", broken, "make it readable, or remove it")
    return [known[name].sum for name in names]


def _read_known(file: Path, log: Log) -> dict[str, KnownFile]:
    """The files in the cache file, by name; none where it is absent or damaged."""
    try:
        rows = json.loads(file.read_bytes())
        return {name: KnownFile(int(a), int(b), int(c), str(sum_)) for name, (a, b, c, sum_) in rows.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log(f"the cached checksums {file} are damaged ({error}); computed again")
        return {}


def _states(folder: Path, names: Sequence[str], broken: dict[str, str]) -> dict[str, tuple[int, int, int]]:
    """Size and times of the last changes of each file; what cannot be read is entered into ``broken``."""
    states = {}
    for name in names:
        file = os.path.join(folder, name)  # noqa: PTH118 - Path objects double the time of 200,000 files
        try:
            status = os.stat(file)  # noqa: PTH116
        except OSError as error:
            broken[file] = _reason(error)
        else:
            states[name] = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return states


def _sum(file: Path) -> str | OSError:
    digest = hashlib.blake2b(digest_size=SUM_BYTES)
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(READ_BYTES):
                digest.update(chunk)
        return digest.hexdigest()
    except OSError as error:
        return error


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
