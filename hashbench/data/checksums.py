"""Checksums of many files, remembered, so that a file is read again only when it changed."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hashbench.dataset import Log
from hashbench.errors import UsageError
from hashbench.util.files import replacing
from hashbench.util.progress import Progress
from hashbench.util.threads import pool

BLOCK = 1024  # files handed to the threads at a time
SUM_BYTES = 16


class Seen(NamedTuple):
    """A file as it was when it was read: size in bytes, times of its last changes in nanoseconds, sum of its bytes.

    The time of the content can be set back by copying tools, that of the inode cannot.
    """

    size: int
    content_changed: int
    inode_changed: int
    sum: str


def remembered_sums(folder: Path, names: Sequence[str], cache: Path, log: Log) -> list[str]:
    """Checksum (BLAKE2b of 16 bytes, hexadecimal) of each file ``folder / name``, in the order of ``names``.

    Remembered in ``cache/sums``, a file per folder; what kept its size and time is not read again. Processes may do so
    at once: each puts a whole memory in place, and what the last one does not know is only read again.

    Args:
        folder: where the files lie.
        names: their paths relative to it.
        cache: the cache's folder, made if need be.
        log: gets lines of progress where it takes long.

    Raises:
        UsageError: a file cannot be read; the message names it.
    """
    place = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    memory_file = cache / "sums" / f"{place}.json"
    memory = _remembered(memory_file, log)
    states = {name: _state(os.path.join(folder, name)) for name in names}  # noqa: PTH118 - see _state
    unread = [name for name, state in states.items() if name not in memory or memory[name][:3] != state]
    progress = Progress(len(unread), lambda line: log(f"checksums of {folder}: {line}"), "files")
    try:
        for start in range(0, len(unread), BLOCK):
            block = unread[start : start + BLOCK]
            sums = pool().map(_sum, [folder / name for name in block])
            memory.update({name: Seen(*states[name], sum_) for name, sum_ in zip(block, sums, strict=True)})
            progress.done(len(block))
    finally:  # what was read before a failure is not read again
        if unread:
            memory_file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(memory_file) as work:
                work.write_text(json.dumps(memory))
    return [memory[name].sum for name in names]


def _remembered(file: Path, log: Log) -> dict[str, Seen]:
    """What ``file`` remembers by name; nothing where it is not there or damaged."""
    try:
        kept = json.loads(file.read_bytes())
        return {name: Seen(int(a), int(b), int(c), str(sum_)) for name, (a, b, c, sum_) in kept.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log(f"the remembered checksums {file} are damaged ({error}); made again")
        return {}


def _state(file: str) -> tuple[int, int, int]:
    """Size and times of the last changes; strings, since Path objects double the time of 200,000 files."""
    try:
        found = os.stat(file)  # noqa: PTH116
    except OSError as error:
        raise _unreadable(file, error) from error
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _sum(file: Path) -> str:
    try:
        return hashlib.blake2b(file.read_bytes(), digest_size=SUM_BYTES).hexdigest()
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path | str, error: OSError) -> UsageError:
    return UsageError(f"{file} cannot be read ({error.strerror}); make it readable, or remove it")
