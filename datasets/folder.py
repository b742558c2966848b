"""A folder of images and a CSV file of their labels, described by a TOML file: ``--datasets folder:birds/set.toml``."""

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Struct, UnsetType

from hashbench.data.image_files import ImageFileDataset
from hashbench.data.image_tree import find
from hashbench.data.label_table import LabelTable, read_label_table
from hashbench.data.splits import all_but
from hashbench.dataset import Items, Protocol, Split
from hashbench.errors import UsageError
from hashbench.util.documents import Count, Text, checked, read_toml

SPLIT_SEED = 40_001
ITEMS_PER_QUERY, MAX_QUERIES = 10, 1_000  # labelled items; where neither CSV nor TOML file gives a number of queries


class Description(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the TOML file.

    Attributes:
        name: letters, digits, "-" and "_"; the TOML file's own name without suffix where it gives none.
        images: the folder that the CSV file's paths begin at, relative to the TOML file.
        csv: the CSV file, relative to the TOML file; see :func:`hashbench.data.label_table.read_label_table`.
        features: default features.
        cutoff: customary k of mAP@k.
        queries: how many labelled items to draw as queries; left out where the CSV file has a split column, or for
            one in ten, at most 1,000.
        title, source: what captions call it; its origin and licence.
    """

    name: Text
    images: Text = "."
    csv: Text = "labels.csv"
    features: Text = "resnet50"
    cutoff: Count | UnsetType = UNSET
    queries: Count | UnsetType = UNSET
    title: Text | UnsetType = UNSET
    source: Text = "images and labels of the user's own"


class Folder(ImageFileDataset):
    """Items are the rows of the CSV file, in its order.

    Keys of the TOML file, each of which may be left out: ``name`` (of the set; letters, digits, - and _), ``images``
    (the folder that paths begin at), ``csv``, ``features`` (the default ones), ``cutoff`` (also record mAP at it),
    ``queries`` (how many to draw, where the CSV file has no split), ``title`` and ``source`` (for captions).
    Columns of the CSV file: ``path``, ``labels`` (separated by ;) and, if wanted, ``split`` (query, database, train or
    train+database).
    """

    title = "folder of images"
    source = "images and labels of your own, as a TOML file describes them"
    protocols = ()
    features = "resnet50"
    description: Description

    @classmethod
    def described_by(cls, file: Path) -> Self:
        description = read_description(file)
        summary = f"queries, database and training items as {description.csv} has them"
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
        return self.root / self.description.csv

    def require(self) -> None:
        if not self.folder.is_dir():
            raise UsageError(
                f"{self.description.name}: the folder of the images {self.folder} is not there; "
                'name it in the TOML file, as in images = "jpg"'
            )
        if not self._table.classes():
            raise UsageError(f"{self.csv}: no row has a label, wanted some to judge relevance by")
        for part, items in self.split().parts().items():
            if not len(items):
                raise UsageError(f"{self.csv} leaves no {part} items, wanted at least one {self._way_out(part)}")

    def _way_out(self, part: str) -> str:
        if self._table.splits is None:
            return "(add rows, or set queries in the TOML file to fewer)"
        return f"(a row with the split {part}{' or train+database' if part != 'query' else ''})"

    @cached_property
    def _table(self) -> LabelTable:
        if not self.csv.is_file():
            raise UsageError(
                f"{self.description.name}: the file of labels {self.csv} is not there; "
                'name it in the TOML file, as in csv = "labels.csv"'
            )
        return read_label_table(self.csv)

    def protocol_name(self) -> str:
        return f"{self.protocol.name}-{self.content()[:8]}"

    def list_bytes(self) -> bytes:
        """Paths, labels and what the index sets are drawn from."""
        table = self._table
        return json.dumps([table.paths, table.labels, table.splits, self.description.queries or None]).encode()

    def files(self) -> list[str | None]:
        return find(self.folder, self._table.paths)

    def names(self, items: Items) -> list[str]:
        return [self._table.paths[item] for item in items.tolist()]

    def classes(self) -> tuple[str, ...]:
        return self._table.classes()

    def labels(self) -> npt.NDArray[np.bool_]:
        return self._table.multi_hot()

    def split(self) -> Split:
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


def read_description(file: Path) -> Description:
    """The description in a TOML file.

    Raises:
        UsageError: it is not there or no TOML, a key is unknown, or a value is of the wrong kind; one line.
    """
    content = read_toml(file, str(file), "name the TOML file of your images; README shows one")
    description = checked({"name": file.stem, **content}, Description, str(file))
    if not re.fullmatch(r"[A-Za-z0-9_-]+", description.name):
        raise UsageError(
            f"{file}: the name is {description.name!r}, wanted letters, digits, - and _; set one, as in name = 'birds'"
        )
    return description
