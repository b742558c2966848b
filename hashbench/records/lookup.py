"""Records as users name them: by their file, or by the beginning of their key."""

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
