"""The folder of data sets and the cache's folder (features, checksums, audits), from options and environment."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hashbench.errors import UsageError

CACHE_VARIABLE = "HASHBENCH_CACHE"
DATA_VARIABLE = "HASHBENCH_DATA"
SHOWN = 60  # characters of a name that is too long


def cache_root() -> Path:
    """The cache's folder: HASHBENCH_CACHE, else XDG_CACHE_HOME/hashbench, else ~/.cache/hashbench.

    Raises:
        UsageError: none of them is set, and the user has no home, as in a container whose users are numbers.
    """
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "hashbench"
    try:
        return Path.home() / ".cache" / "hashbench"
    except RuntimeError:
        raise UsageError(f"this user has no home folder for the cache; name a folder with {CACHE_VARIABLE}") from None


def cache_folder() -> Path:
    """The cache's folder, made if need be; one that is there may be read-only, what it lacks cannot be added then.

    Raises:
        UsageError: it cannot be made or read.
    """
    folder = absolute(cache_root())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cache folder {str(folder)!r} cannot be made ({error.strerror}); name one with HASHBENCH_CACHE"
        ) from None
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UsageError(f"cache folder {str(folder)!r} cannot be read; name one with HASHBENCH_CACHE")
    return folder


def data_folder(given: str | Path | None) -> Path:
    """The folder of all data sets: ``given``, else HASHBENCH_DATA, else ``data`` in the current folder.

    Raises:
        UsageError: the named folder does not exist, or is a file.
    """
    named, folder = given or os.environ.get(DATA_VARIABLE), future_data_folder(given)
    if named and not folder.is_dir():
        source = "--data" if given else DATA_VARIABLE
        fault = "is a file, wanted a folder" if folder.exists() else "is not there; make it, or name the right one"
        raise UsageError(f"data folder {str(named)!r} ({source}) {fault}")
    return folder


def future_data_folder(given: str | Path | None) -> Path:
    """The same, which need not be there yet. A "~" that no shell has read is the user's home.

    Raises:
        UsageError: there is no such home.
    """
    named = Path(given or os.environ.get(DATA_VARIABLE) or "data")
    try:
        return absolute(named.expanduser())
    except RuntimeError:
        raise UsageError(f"data folder {str(named)!r}: there is no such home; name it without ~") from None


def absolute(path: str | Path) -> Path:
    """The path from the root.

    Raises:
        UsageError: it begins at the current folder, which was removed.
    """
    try:
        return Path(path).absolute()
    except FileNotFoundError:
        raise UsageError(f"{str(path)!r} lies in the current folder, which was removed; cd into another") from None


@contextmanager
def naming_files() -> Iterator[None]:
    """Inside, files are looked for that users name: a name that is too long for a file is one line.

    Raises:
        UsageError: such a name.
    """
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        path = os.fsdecode(error.filename or "")
        longest = max(path.split("/"), key=len)
        raise UsageError(
            f"a file cannot be called {longest[:SHOWN] + '...'!r} ({len(longest):,} characters in a path of "
            f"{len(path):,}): the system takes no name that long; give a shorter one"
        ) from error


def shown(path: Path) -> Path:
    """The path as a user would write it: from the current folder if it lies there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
