"""Vectors without images, judged by their exact nearest neighbours: ``embeddings:x.npy``."""

import hashlib
import json
import math
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hashbench.data.file_options import split_options
from hashbench.data.splits import all_but
from hashbench.data.vector_files import SUFFIXES, StackedVectors, VectorFile
from hashbench.data.vector_formats import DTYPES
from hashbench.data.vector_labels import as_labels
from hashbench.dataset import DISTANCES, Dataset, Distance, Images, Items, Protocol, Split, Vectors
from hashbench.errors import UsageError
from hashbench.evaluation.headline import NEIGHBOURS_K
from hashbench.util.paths import cache_folder

SPLIT_SEED = 40_003
ROWS_PER_QUERY, MAX_QUERIES = 10, 1_000  # where nothing says which rows are queries
MAX_TRAIN = 100_000
ANN_DISTANCES: dict[str, Distance] = {"euclidean": "l2", "angular": "cosine"}  # what ann-benchmarks calls them


class Embeddings(Dataset):
    """Items are the rows of the file, then those of the file of queries if there is one.

    Files: .npy (memory-mapped), .npz, .safetensors, .parquet (a column of lists, or a column for each dimension),
    .hdf5 of ann-benchmarks, .fvecs; of float16, float32, int8 or uint8. Options, on the command line or behind "?":
    ``metric`` (l2, cosine or ip), ``queries`` (a file of vectors, a number or a share of the rows, or the name of a
    column or array), ``labels`` (a .npy file, or the name of a column or array). Without ``queries`` a tenth of the
    rows is drawn, at most 1,000; ``fit`` gets at most 100,000 rows of the database, drawn as well.
    """

    title = "vectors"
    source = "vectors of your own"
    protocols = ()
    suffixes = SUFFIXES
    options = ("metric", "queries", "labels")
    features = "vectors"
    distance: Distance
    file: VectorFile
    given: dict[str, str]

    @classmethod
    def described_by(cls, file: Path) -> Self:
        path, given = split_options(file, cls.options)
        metric = given.get("metric", "l2")
        if metric not in DISTANCES:
            raise UsageError(f"metric is {metric!r}, wanted one of {', '.join(DISTANCES)}")
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem) or "vectors"
        dataset = cls(path.parent, Protocol(name, "queries, database and training items as the files have them"))
        dataset.given, dataset.distance, dataset.title = given, metric, path.name
        dataset.file = VectorFile(path, cache_folder(), lambda line: dataset.log(line))
        if "metric" not in given and (stated := ANN_DISTANCES.get(dataset.file.stated_distance())):
            dataset.distance = stated
        return dataset

    def protocol_name(self) -> str:
        return f"{self.protocol.name}-{self.distance}-{self.content()[:8]}"

    def require(self) -> None:
        rows, split = len(self._rows), self.split()
        if self._query_rows is not None and self._query_rows.shape[1] != self._rows.shape[1]:
            raise UsageError(
                f"queries {self.given.get('queries', 'test')} have {self._query_rows.shape[1]:,} dimensions and "
                f"{self.file.path} has {self._rows.shape[1]:,}, wanted the same"
            )
        for part in ("query", "database"):
            if not len(split.parts()[part]):
                raise UsageError(f"{self.file.path}: none of {rows:,} rows is a {part} item, wanted at least one")
        self.labels()

    @cached_property
    def _rows(self) -> npt.NDArray[Any]:
        return self.file.vectors(without=[self.given[name] for name in ("queries", "labels") if name in self.given])

    @cached_property
    def _query_file(self) -> VectorFile | None:
        """The file of queries, where one is given."""
        path = self.root / self.given.get("queries", "")
        return VectorFile(path, self.file.cache, self.file.log) if path.is_file() else None

    @cached_property
    def _query_column(self) -> npt.NDArray[Any] | None:
        """What the file itself says of queries: vectors [q, d], or of each row whether it is one [n]."""
        named = self.given.get("queries")
        if named is None:
            return self.file.vectors("test") if {"train", "test"} <= set(self.file.names()) else None
        if self._query_file is not None or _number(named) is not None:
            return None
        if named not in self.file.names():
            there = f"; its names: {', '.join(self.file.names())}" if self.file.names() else ""
            raise UsageError(
                f"queries is {named!r}, which is no file, no number of rows, no share of them, and nothing that "
                f"{self.file.path} has{there}"
            )
        column = self.file.column(named)
        return column if column.ndim == 1 else self.file.vectors(named)

    @cached_property
    def _query_rows(self) -> npt.NDArray[Any] | None:
        """Queries that are no rows of the database's array."""
        if self._query_file is not None:
            return self._query_file.vectors(without=[self.given["labels"]] if "labels" in self.given else [])
        return self._query_column if self._query_column is not None and self._query_column.ndim == 2 else None

    def content(self) -> str:
        files = [self.file.sum(), self._query_file.sum() if self._query_file else self.given.get("queries", "")]
        return hashlib.sha256(json.dumps([*files, *self._no_dimension]).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._rows) + (0 if self._query_rows is None else len(self._query_rows))

    def vectors(self) -> Vectors:
        return StackedVectors([self._rows] if self._query_rows is None else [self._rows, self._query_rows])

    def known_neighbours(self) -> Items | None:
        """Those of ann-benchmarks, where the file has them and its queries and distance are the ones in use."""
        known = {"train", "test", "neighbors"} <= set(self.file.names()) and not {"queries", "metric"} & set(self.given)
        return self.file.column("neighbors").astype(np.int64) if known else None

    def images(self, items: Items) -> Images:  # noqa: ARG002
        raise UsageError(f"{self.file.path} has vectors and no images, which were asked for")

    @cached_property
    def _labels(self) -> tuple[npt.NDArray[np.bool_], tuple[str, ...]]:
        """Multi-hot labels and the names of their columns."""
        named = self.given.get("labels")
        if named is None:
            return np.zeros((len(self), 0), dtype=np.bool_), ()
        path = self.root / named
        if path.is_file():
            labels = VectorFile(path, self.file.cache, self.file.log).array()
        elif self._query_file is not None:
            labels = np.concatenate([self.file.column(named), self._query_file.column(named)])
        else:
            labels = self.file.column(named)
        queries = 0 if self._query_rows is None else len(self._query_rows)
        return as_labels(labels, len(self), f"labels {named}", queries)

    @cached_property
    def _no_dimension(self) -> list[str]:
        """The column of labels, where a table without this option has it as a dimension: the vectors are others."""
        named = self.given.get("labels")
        if named is None or (self.root / named).is_file() or self.file.column(named).dtype.name not in DTYPES:
            return []
        return [named]

    def classes(self) -> tuple[str, ...]:
        return self._labels[1]

    def labels(self) -> npt.NDArray[np.bool_]:
        return self._labels[0]

    def names(self, items: Items) -> list[str]:
        rows = len(self._rows)
        queries = self._query_file.path if self._query_file else f"the queries of {self.file.path}"
        return [
            f"row {item:,} of {self.file.path}" if item < rows else f"row {item - rows:,} of {queries}"
            for item in items.tolist()
        ]

    @cached_property
    def _split(self) -> Split:
        rng, rows = np.random.default_rng(SPLIT_SEED), len(self._rows)
        if self._query_rows is not None:
            query = np.arange(rows, len(self), dtype=np.int64)
            database = np.arange(rows, dtype=np.int64)
        else:
            query = self._drawn(rng) if self._query_column is None else self._marked(self._query_column)
            database = all_but(rows, query)
        train = rng.choice(database, min(MAX_TRAIN, len(database)), replace=False)
        return Split(train=train, query=query, database=database)

    def split(self) -> Split:
        """The database in the file's order, so that it is read from disk in one go; ties are in no order anyway."""
        return self._split

    def _drawn(self, rng: np.random.Generator) -> Items:
        rows, asked = len(self._rows), _number(self.given.get("queries", ""))
        if rows == 1:  # of which none can be drawn
            least = NEIGHBOURS_K * ROWS_PER_QUERY // (ROWS_PER_QUERY - 1)
            raise UsageError(
                f"{self.file.path} has 1 vector, wanted at least {least:,}: {NEIGHBOURS_K} neighbours, and the queries"
            )
        count = min(max(rows // ROWS_PER_QUERY, 1), MAX_QUERIES) if asked is None else asked
        drawn = round(count * rows) if 0 < count < 1 else int(count)
        if not 0 < drawn < rows or (count > 1 and drawn != count):
            raise UsageError(
                f"queries is {self.given.get('queries')}, wanted a share below 1 or 1 to {rows - 1:,} of the {rows:,} "
                f"rows of {self.file.path}"
            )
        return np.sort(rng.choice(rows, drawn, replace=False)).astype(np.int64)

    def _marked(self, column: npt.NDArray[Any]) -> Items:
        """The rows of which a column says that they are queries."""
        marks = column == "query" if column.dtype.kind in "US" else column
        if len(marks) != len(self._rows) or not np.isin(marks, (0, 1)).all():
            raise UsageError(
                f"{self.file.path}: the column {self.given['queries']} of queries has {column.dtype} "
                f"[{len(column)}], wanted true or false, 1 or 0, or the word query, for each of "
                f"{len(self._rows):,} rows"
            )
        return np.flatnonzero(marks).astype(np.int64)


def _number(text: str) -> float | None:
    """The number that a text is; None where it is none, "nan" and "inf" among them."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
