"""Reads protocols from list files as HashNet and its successors publish them: train.txt, test.txt, database.txt."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.data.label_lists import LabelList, read_label_list
from hashbench.dataset import Items, Split
from hashbench.errors import UsageError
from hashbench.util.files import file_sum

LIST_FILES = {"database": "database.txt", "query": "test.txt", "train": "train.txt"}
CONCEPTS_FILE = "concepts.txt"


@dataclass(frozen=True)
class Listing:
    """The items, labels and index sets of a published list under one protocol.

    Attributes:
        names: paths of the items' images as the list has them, with slashes.
        classes: names of the protocol's label columns.
        labels: bool [items, columns], of which the first ``len(classes)`` are the protocol's.
        split: index sets.
    """

    names: list[str]
    classes: tuple[str, ...]
    labels: npt.NDArray[np.bool_]
    split: Split


def read_split_lists(folder: Path, seed: int) -> Listing:
    """The protocol of the three lists in ``folder``; see :func:`read_label_list` for their format.

    Items are the distinct paths: first those of the database, then of the queries, then of the training set. Queries
    keep their order; database and training set are permuted with ``seed``. Columns are named by the lines of
    concepts.txt if it exists, else by their numbers from 1.

    Raises:
        UsageError: a list is malformed, or two contradict each other; the message names it.
    """
    names, labels, items = merge([read_label_list(folder / file) for file in LIST_FILES.values()])
    database, query, train = items
    rng = np.random.default_rng(seed)
    split = Split(train=rng.permutation(train), query=query, database=rng.permutation(database))
    return Listing(names, _classes(folder / CONCEPTS_FILE, labels.shape[1]), labels, split)


def split_lists_sum(folder: Path) -> str:
    """Checksum (sha256, hexadecimal) of the three lists."""
    sums = "".join(f"{file_sum(folder / file)} {file}\n" for file in LIST_FILES.values())
    return hashlib.sha256(sums.encode()).hexdigest()


def merge(lists: Sequence[LabelList]) -> tuple[list[str], npt.NDArray[np.bool_], list[Items]]:
    """The distinct paths of all lists in order of first appearance, their labels, and the items of each list.

    Returns:
        paths; labels, bool [paths, number of labels]; for each list int64 indices into paths, in its order.

    Raises:
        UsageError: two lists differ in the number of labels, or in the labels of a path; the message names both.
    """
    numbers: dict[str, int] = {}
    items = [np.array([numbers.setdefault(path, len(numbers)) for path in one.paths], dtype=np.int64) for one in lists]
    columns = lists[0].labels.shape[1]
    labels, known = np.zeros((len(numbers), columns), dtype=np.bool_), np.zeros(len(numbers), dtype=np.bool_)
    for one, own in zip(lists, items, strict=True):
        if one.labels.shape[1] != columns:
            raise UsageError(
                f"{one.file} has {one.labels.shape[1]} labels per line, {lists[0].file} has {columns}; "
                "take lists that belong together"
            )
        differing = np.flatnonzero(known[own] & (labels[own] != one.labels).any(axis=1))
        if len(differing):
            raise UsageError(f"{one.file}: {one.paths[differing[0]]!r} has other labels here than on another list")
        labels[own], known[own] = one.labels, True
    return list(numbers), labels, items


def _classes(file: Path, columns: int) -> tuple[str, ...]:
    if not file.is_file():
        return tuple(f"column {number}" for number in range(1, columns + 1))
    classes = tuple(dict.fromkeys(file.read_text(encoding="utf-8").split()))
    if len(classes) != columns:
        raise UsageError(f"{file} has {len(classes)} names, wanted one for each of the lists' {columns} columns")
    return classes
