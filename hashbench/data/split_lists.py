"""Reads protocols from list files as HashNet and its successors publish them: train.txt, test.txt, database.txt."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.data.label_lists import LabelList
from hashbench.data.list_files import ListFile
from hashbench.data.list_labels import Kind, class_names, class_numbers, kind_of, multi_hot
from hashbench.dataset import Items, Split
from hashbench.errors import UsageError
from hashbench.util.files import file_sum

LIST_FILES = {"database": "database.txt", "query": "test.txt", "train": "train.txt"}
CONCEPTS_FILE = "concepts.txt"


@dataclass(frozen=True)
class Listing:
    """The items, labels and index sets of a published list under one protocol.

    Attributes:
        names: paths of the items' images as the list has them.
        classes: names of the protocol's label columns.
        labels: bool [items, columns], of which the first ``len(classes)`` are the protocol's.
        split: index sets.
    """

    names: list[str]
    classes: tuple[str, ...]
    labels: npt.NDArray[np.bool_]
    split: Split


def read_split_lists(folder: Path, seed: int) -> Listing:
    """The protocol of the lists database.txt, test.txt and train.txt in ``folder``, with 0 or 1 for each label.

    Columns are named by the lines of concepts.txt if it exists, else by their numbers from 1.

    Raises:
        UsageError: a list is malformed, or two contradict each other; the message names it.
    """
    concepts = folder / CONCEPTS_FILE
    files = {part: ListFile(folder / name) for part, name in LIST_FILES.items()}
    return read_lists(files, "multi-hot", concepts if concepts.is_file() else None, seed)


def read_lists(files: Mapping[str, ListFile], kind: Kind | None, classes: Path | None, seed: int) -> Listing:
    """The protocol of several lists.

    Items are the distinct paths: first those of the database, then of the queries, then of the training set. Queries
    keep their order; database and training set are permuted with ``seed``.

    Args:
        files: the lists of "database", "query" and, if there is one, "train".
        kind: what their numbers mean; None where they must say so themselves.
        classes: a file with the names of classes or columns, a line each.
        seed: of the permutations.

    Raises:
        UsageError: a list is malformed, its numbers may mean either, or two lists contradict each other; names it.
    """
    lists = [files[part].read() for part in LIST_FILES if part in files]
    kind = kind or kind_of(lists)
    if kind == "multi-hot":
        tables = multi_hot(lists)
        known = list(range(1, tables[0].shape[1] + 1))
    else:
        tables, known = class_numbers(lists)
    names, labels, items = merge(lists, tables)
    none = np.zeros(0, dtype=np.int64)
    database, query, train = (*items, none) if len(items) < len(LIST_FILES) else items
    rng = np.random.default_rng(seed)
    split = Split(train=rng.permutation(train), query=query, database=rng.permutation(database))
    return Listing(names, class_names(classes, known, kind) if known else (), labels, split)


def split_lists_sum(folder: Path) -> str:
    """Checksum (sha256, hexadecimal) of the three lists."""
    sums = "".join(f"{file_sum(folder / file)} {file}\n" for file in LIST_FILES.values())
    return hashlib.sha256(sums.encode()).hexdigest()


def merge(
    lists: Sequence[LabelList], tables: Sequence[npt.NDArray[np.bool_]]
) -> tuple[list[str], npt.NDArray[np.bool_], list[Items]]:
    """The distinct paths of all lists in order of first appearance, their labels, and the items of each list.

    Args:
        lists: the lists.
        tables: the labels of each, bool [lines, columns].

    Returns:
        paths; labels, bool [paths, columns]; for each list int64 indices into paths, in its order.

    Raises:
        UsageError: two lists differ in the labels of a path; the message names both.
    """
    numbers: dict[str, int] = {}
    items = [np.array([numbers.setdefault(path, len(numbers)) for path in one.paths], dtype=np.int64) for one in lists]
    labels = np.zeros((len(numbers), tables[0].shape[1]), dtype=np.bool_)
    known = np.zeros(len(numbers), dtype=np.bool_)
    for one, table, own in zip(lists, tables, items, strict=True):
        differing = np.flatnonzero(known[own] & (labels[own] != table).any(axis=1))
        if len(differing):
            raise UsageError(f"{one.file}: {one.paths[differing[0]]!r} has other labels here than on another list")
        labels[own], known[own] = table, True
    return list(numbers), labels, items
