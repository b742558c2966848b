"""Records as users name them: by their file, or by the beginning of their key."""

from collections.abc import Iterable
from pathlib import Path

from hashbench.errors import UsageError


def find_record(name: str, folder: Path) -> Path | None:
    """The file of the record called ``name``: itself a .json file, or the start of a key in a result folder.

    None where there is no such record.

    Raises:
        UsageError: several keys begin like that.
    """
    path = Path(name)
    if path.suffix == ".json" and path.is_file():
        return path
    files = sorted((folder / "records").glob("*.json"))
    found = [file for file in files if name and file.stem.rpartition("-")[2].startswith(name)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} records of {folder} have keys that start with {name!r}; give more of the key")
    return found[0] if found else None


def find_records(names: Iterable[str], folder: Path) -> list[Path]:
    """The files of the records called ``names``, each once.

    Raises:
        UsageError: there is none of a name, or several.
    """
    found = {name: find_record(name, folder) for name in names}
    for name, file in found.items():
        if file is None:
            raise UsageError(f"no record {name!r} in {folder / 'records'}; name a file, or the beginning of a key")
    return list(dict.fromkeys(file for file in found.values() if file is not None))
