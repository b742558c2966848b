"""Finds the lists of a protocol in a folder, under the names that papers' repositories give them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hashbench.data.label_lists import LabelList, has_labels, read_label_files, read_label_list
from hashbench.data.texts import read_lines
from hashbench.errors import UsageError

ALIASES = {
    "database": ("database", "db", "retrieval", "gallery"),
    "query": ("test", "query", "queries"),
    "train": ("train", "training"),
}
NAME_ENDS = ("_img", "_imgs", "_image", "_images")
LABEL_ENDS = ("_label_onehot", "_labels_onehot", "_onehot", "_label", "_labels")  # 0 and 1 leave no doubt, so first
EXAMPLE = 'lists = {query = "test.txt", database = "database.txt", train = "train.txt"}'


class ListFile(NamedTuple):
    """A list of images with their labels: one file of lines ``path labels``, or paths and labels in two files."""

    paths: Path
    labels: Path | None = None

    def read(self) -> LabelList:
        """The list.

        Raises:
            UsageError: a file is not there, or malformed; names file and line.
        """
        for file in (self.paths, self.labels):
            if file is not None and not file.is_file():
                raise UsageError(f"the list {file} is not there; name the lists in the TOML file, as in {EXAMPLE}")
        return read_label_list(self.paths) if self.labels is None else read_label_files(self.paths, self.labels)


def list_files(folder: Path) -> dict[str, ListFile]:
    """The lists of "database", "query" and, if there is one, "train" in a folder.

    Each is one file ("database.txt", "test.txt", "train.txt") or two ("database_img.txt" with "database_label.txt" or
    "database_label_onehot.txt"); :data:`ALIASES` has the other names.

    Raises:
        UsageError: no folder, no list of queries or database, or two that may be meant.
    """
    if not folder.is_dir():
        raise UsageError(f'the folder of the lists {folder} is not there; name it in the TOML file, as in lists = "."')
    files = {entry.name.lower(): entry for entry in sorted(folder.iterdir()) if entry.suffix.lower() == ".txt"}
    found = {}
    for part, aliases in ALIASES.items():
        candidates = [each for alias in aliases for each in _candidates(files, alias)]
        if len(candidates) > 1:
            names = " and ".join(repr(each.paths.name) for each in candidates)
            raise UsageError(f"{folder} has {names} for the {part} list; name the lists, as in {EXAMPLE}")
        if candidates:
            found[part] = candidates[0]
        elif part != "train":
            there = ", ".join(sorted(entry.name for entry in files.values())[:10]) or "no .txt files"
            raise UsageError(
                f"{folder} has no {part} list {aliases[0]}.txt (there are: {there}); name the lists in the TOML file, "
                f"as in {EXAMPLE}"
            )
    return found


def _candidates(files: Mapping[str, Path], alias: str) -> Iterator[ListFile]:
    labels = next((files[name] for end in LABEL_ENDS if (name := f"{alias}{end}.txt") in files), None)
    paths = next((files[name] for end in NAME_ENDS if (name := f"{alias}{end}.txt") in files), None)
    whole = files.get(f"{alias}.txt")
    if paths is not None and labels is not None:
        yield ListFile(paths, labels)
    if whole is not None:
        alone = labels is None or paths is not None or has_labels(next(iter(read_lines(whole)), ""))
        yield ListFile(whole, None if alone else labels)
