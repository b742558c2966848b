"""Finds records by what users name: a file, or the beginning of a key."""

from collections.abc import Iterable
from pathlib import Path

from hashbench.errors import UsageError


def find_record(name: str, folder: Path) -> Path | None:
    """The file of a record by its own name or by the beginning of its key in a result folder; None if there is none.

    Raises:
        UsageError: several keys begin with ``name``.
    """
    path = Path(name)
    if path.suffix == ".json" and path.is_file():
        return path
    files = sorted((folder / "records").glob("*.json"))
    matches = [file for file in files if name and file.stem.rpartition("-")[2].startswith(name)]
    if len(matches) > 1:
        raise UsageError(f"{len(matches)} records of {folder} have keys that start with {name!r}; give more of the key")
    return matches[0] if matches else None


def find_records(names: Iterable[str], folder: Path) -> list[Path]:
    """The files of the records ``names``, each once.

    Raises:
        UsageError: no record of a name, or several.
    """
    files = {name: find_record(name, folder) for name in names}
    for name, file in files.items():
        if file is None and name and Path(name).is_dir():
            raise UsageError(f"{name!r} is a folder, wanted a record; name a result folder with --results")
        if file is None:
            raise UsageError(f"no record {name!r} in {folder / 'records'}; name a file, or the beginning of a key")
    return list(dict.fromkeys(file for file in files.values() if file is not None))
