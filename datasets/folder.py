"""A folder of images with a CSV file or lists of labels, described by a TOML file: ``folder:birds/set.toml``."""

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Meta, Struct, UnsetType

from hashbench.data.image_files import ImageFileDataset
from hashbench.data.image_tree import find, locate
from hashbench.data.label_table import LabelTable, read_label_table
from hashbench.data.list_files import ListFile, list_files
from hashbench.data.split_lists import Listing, read_lists
from hashbench.data.splits import all_but
from hashbench.dataset import PHOTO_FEATURES, Items, Protocol, Split
from hashbench.errors import UsageError
from hashbench.util.documents import Count, Text, checked, read_toml

DEFAULT_CSV = "labels.csv"
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
CSV_KEYS, LIST_KEYS = ("csv", "separator", "queries"), ("classes",)  # keys of one kind alone
LIST_PREFIXES = ("", "images/")  # folders that the paths of lists are tried in
SPLIT_SEED = 40_001
ITEMS_PER_QUERY, MAX_QUERIES = 10, 1_000  # labelled items; where neither CSV nor TOML file gives a number of queries

OneOrTwo = Text | Annotated[list[Text], Meta(min_length=2, max_length=2, description="a file, or two in a list")]


class Lists(Struct, frozen=True, forbid_unknown_fields=True):
    """The lists of queries, database and training set, each relative to the TOML file.

    Each is a file of lines ``path labels``, or a file of paths and one of labels.
    """

    query: OneOrTwo
    database: OneOrTwo
    train: OneOrTwo | UnsetType = UNSET


class Description(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the TOML file.

    Attributes:
        name: letters, digits, "-" and "_"; the TOML file's own name without suffix where it gives none.
        images: the folder that the paths begin at, relative to the TOML file.
        csv: the CSV file, relative to the TOML file; see :func:`hashbench.data.label_table.read_label_table`. It is
            labels.csv where neither this nor ``lists`` is given.
        lists: the folder of the lists (:func:`hashbench.data.list_files.list_files`), or the lists one by one.
        labels: what labels are; left out where it is clear from the file.
        separator: what separates the labels in a cell of the CSV file; left out where it is ";" or clear.
        classes: a file with the names of the lists' classes or columns, a line each, relative to the TOML file.
        features: default features.
        cutoff: customary k of mAP@k.
        queries: how many labelled items to draw as queries; left out where the CSV file has a split column, or for
            one in ten, at most 1,000.
        title, source: what captions call it; its origin and licence.
    """

    name: Text
    images: Text = "."
    csv: Text | UnsetType = UNSET
    lists: Text | Lists | UnsetType = UNSET
    labels: Literal["names", "class-numbers", "multi-hot"] | UnsetType = UNSET
    separator: Text | UnsetType = UNSET
    classes: Text | UnsetType = UNSET
    features: Text = PHOTO_FEATURES
    cutoff: Count | UnsetType = UNSET
    queries: Count | UnsetType = UNSET
    title: Text | UnsetType = UNSET
    source: Text = "images and labels of the user's own"


class Folder(ImageFileDataset):
    """Items are the rows of the CSV file in its order, or the distinct paths of the lists.

    Keys of the TOML file, each of which may be left out: ``name`` (of the set; letters, digits, - and _), ``images``
    (the folder that paths begin at), ``csv`` or ``lists``, ``labels`` and ``separator`` (where they are not clear),
    ``classes`` (a file of names), ``features`` (the default ones), ``cutoff`` (also record mAP at it), ``queries`` (how
    many to draw, where the CSV file has no split), ``title`` and ``source`` (for captions).
    Columns of the CSV file: ``path``, ``labels`` (separated by ;) and, if wanted, ``split`` (query, database, train or
    train+database). Lists have lines ``path 0 1 0`` or ``path 17``: database.txt, test.txt and, if wanted, train.txt.
    """

    title = "folder of images"
    source = "images and labels of your own, as a TOML file describes them"
    protocols = ()
    suffixes = (".toml",)
    features = PHOTO_FEATURES
    description: Description

    @classmethod
    def described_by(cls, file: Path) -> Self:
        description = read_description(file)
        origin = "the lists have" if description.lists else f"{description.csv or DEFAULT_CSV} has"
        summary = f"queries, database and training items as {origin} them"
        dataset = cls(file.parent, Protocol(description.name, summary, description.cutoff or None))
        dataset.description = description
        dataset.title = description.title or description.name
        dataset.source, dataset.features = description.source, description.features
        return dataset

    @property
    def folder(self) -> Path:
        return self.root / self.description.images

    @property
    def csv(self) -> Path:
        """The CSV file of labels."""
        return self.root / (self.description.csv or DEFAULT_CSV)

    def require(self) -> None:
        if not self.folder.is_dir():
            raise UsageError(
                f"{self.description.name}: the folder of the images {self.folder} is not there; "
                'name it in the TOML file, as in images = "jpg"'
            )
        if not self.classes() or not self.labels().any():
            raise UsageError(f"{self._origin}: no row has a label, wanted some to judge relevance by")
        for part in ("query", "database"):  # without training items, codes from elsewhere can be scored
            if not len(self.split().parts()[part]):
                raise UsageError(f"{self._origin} leaves no {part} items, wanted at least one {self._way_out(part)}")

    @property
    def _origin(self) -> str:
        lists = self.description.lists
        return str(self.csv) if not lists else str(self.root / lists) if isinstance(lists, str) else "the lists"

    def _way_out(self, part: str) -> str:
        if self.description.lists:
            return f"(a line in the {part} list)"
        if self._table.splits is None:
            return "(add rows, or set queries in the TOML file to fewer)"
        return f"(a row with the split {part}{' or train+database' if part != 'query' else ''})"

    @cached_property
    def _listing(self) -> Listing:
        """What the lists have."""
        lists, root = self.description.lists, self.root
        assert lists
        files = list_files(root / lists) if isinstance(lists, str) else list_pairs(root, lists)
        labels, classes = self.description.labels, self.description.classes
        if labels == "names":
            raise UsageError(f'{self._origin}: labels is "names", wanted "class-numbers" or "multi-hot" for lists')
        return read_lists(files, labels or None, root / classes if classes else None, SPLIT_SEED)

    @cached_property
    def _table(self) -> LabelTable:
        if not self.csv.is_file():
            raise UsageError(
                f"{self.description.name}: the file of labels {self.csv} is not there; name it in the TOML file, as in "
                'csv = "labels.csv", or lists of lines `path labels`, as in lists = "."'
            )
        return read_label_table(self.csv, self.description.labels or None, self.description.separator or None)

    def protocol_name(self) -> str:
        return f"{self.protocol.name}-{self.content()[:8]}"

    def list_bytes(self) -> bytes:
        """Paths, labels and what the index sets are drawn from."""
        if self.description.lists:
            listing = self._listing
            parts = [items.tolist() for items in listing.split.parts().values()]
            return json.dumps([listing.names, parts]).encode() + np.packbits(listing.labels).tobytes()
        table = self._table
        return json.dumps([table.paths, table.labels, table.splits, self.description.queries or None]).encode()

    def files(self) -> list[str | None]:
        if self.description.lists:
            return locate(self.folder, self._listing.names, LIST_PREFIXES)
        return find(self.folder, self._table.paths)

    def names(self, items: Items) -> list[str]:
        paths = self._listing.names if self.description.lists else self._table.paths
        return [paths[item] for item in items.tolist()]

    def notes(self) -> list[str]:
        return [] if self.description.lists else [f"{self.csv}: {note}" for note in self._table.notes]

    def classes(self) -> tuple[str, ...]:
        return self._listing.classes if self.description.lists else self._table.classes()

    def labels(self) -> npt.NDArray[np.bool_]:
        return self._listing.labels if self.description.lists else self._table.multi_hot()

    def split(self) -> Split:
        if self.description.lists:
            return self._listing.split
        table, rng = self._table, np.random.default_rng(SPLIT_SEED)
        if table.splits is None:
            query = self._drawn_queries(rng)
            rest = rng.permutation(all_but(len(table.paths), query))
            return Split(train=rest, query=query, database=rest)
        if self.description.queries:
            raise UsageError(f"{self.csv} has a split column and the TOML file sets queries; remove one of the two")
        train, database = (rng.permutation(table.rows_in(part)) for part in ("train", "database"))
        return Split(train=train, query=table.rows_in("query"), database=database)

    def _drawn_queries(self, rng: np.random.Generator) -> Items:
        labelled = np.flatnonzero(self.labels().any(axis=1))
        count = self.description.queries or min(max(len(labelled) // ITEMS_PER_QUERY, 1), MAX_QUERIES)
        if count > len(labelled):
            raise UsageError(f"{self.csv}: {len(labelled):,} rows have a label, too few for queries = {count:,}")
        return rng.permutation(labelled)[:count].astype(np.int64)


def list_pairs(root: Path, lists: Lists) -> dict[str, ListFile]:
    """The lists that a TOML file in ``root`` names one by one."""
    named = {"database": lists.database, "query": lists.query, "train": lists.train}
    files = {part: [names] if isinstance(names, str) else names for part, names in named.items() if names}
    return {part: ListFile(*(root / name for name in names)) for part, names in files.items()}


def read_description(file: Path) -> Description:
    """The description in a TOML file.

    Raises:
        UsageError: it is not there or no TOML, a key is unknown, or a value is of the wrong kind; one line.
    """
    if file.is_dir() or file.suffix.lower() in TEXT_SUFFIXES:
        raise no_description(file)
    content = read_toml(file, str(file), "name the TOML file of your images; docs/own-data.md shows one")
    description = checked({"name": file.stem, **content}, Description, str(file))
    if not re.fullmatch(r"[A-Za-z0-9_-]+", description.name):
        raise UsageError(
            f"{file}: the name is {description.name!r}, wanted letters, digits, - and _; set one, as in name = 'birds'"
        )
    strange = CSV_KEYS if description.lists else LIST_KEYS
    for key in strange:
        if getattr(description, key):
            kinds = ("lists", "a CSV file") if description.lists else ("a CSV file", "lists")
            raise UsageError(f"{file}: {key} belongs to {kinds[1]}, and the labels come from {kinds[0]}; remove one")
    return description


def no_description(file: Path) -> UsageError:
    """The error for a folder, or a file of labels, in place of the TOML file: says which to name or write."""
    folder = file if file.is_dir() else file.parent
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    described = [entry for entry in entries if entry.suffix.lower() == ".toml"]
    if described and file.is_dir():
        return UsageError(f"{file} is a folder; name the TOML file in it, as in folder:{described[0]}")
    labels = [file] if not file.is_dir() else [entry for entry in entries if entry.suffix.lower() in TEXT_SUFFIXES]
    first = next(iter(sorted(labels, key=lambda entry: entry.suffix.lower() == ".txt")), folder / DEFAULT_CSV)
    line = 'lists = "."' if first.suffix.lower() == ".txt" else f'csv = "{first.name}"'
    kind = "is a folder" if file.is_dir() else "is no TOML file"
    return UsageError(
        f"{file} {kind}; write {folder / 'set.toml'} with the line {line} and name that; docs/own-data.md shows one"
    )
