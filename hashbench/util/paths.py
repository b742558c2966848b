"""The folder of data sets and the cache's folder (features, checksums, audits), from options and environment."""

import os
from pathlib import Path

from hashbench.errors import UsageError

CACHE_VARIABLE = "HASHBENCH_CACHE"
DATA_VARIABLE = "HASHBENCH_DATA"


def cache_root() -> Path:
    """The cache's folder: HASHBENCH_CACHE, else XDG_CACHE_HOME/hashbench, else ~/.cache/hashbench."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "hashbench"


def cache_folder() -> Path:
    """The cache's folder, made if need be.

    Raises:
        UsageError: it cannot be made or written.
    """
    folder = cache_root().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cache folder {str(folder)!r} cannot be made ({error.strerror}); name one with HASHBENCH_CACHE"
        ) from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"cache folder {str(folder)!r} cannot be written; name one with HASHBENCH_CACHE")
    return folder


def data_folder(given: str | Path | None) -> Path:
    """The folder of all data sets: ``given``, else HASHBENCH_DATA, else ``data`` in the current folder.

    Raises:
        UsageError: the named folder does not exist.
    """
    named = given or os.environ.get(DATA_VARIABLE)
    folder = Path(named or "data").absolute()
    if named and not folder.is_dir():
        source = "--data" if given else DATA_VARIABLE
        raise UsageError(f"data folder {str(named)!r} ({source}) is not there; make it, or name the right one")
    return folder
