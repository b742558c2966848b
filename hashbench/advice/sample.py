"""The vectors that codes are tried on: a sample of the database, queries to choose by and others to confirm on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hashbench.data.protocol_card import make_card
from hashbench.data.spec import expand, open_dataset, protocol_id, set_options
from hashbench.data.vector_survey import check_distance, survey
from hashbench.dataset import Dataset, Distance, Items, Split, Vectors
from hashbench.errors import UsageError
from hashbench.evaluation.headline import NEIGHBOURS_K
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.evaluation.neighbours import Neighbours
from hashbench.util.paths import cache_folder, data_folder
from hashbench.util.progress import Log
from hashbench.util.seeds import derive_seed

DATASET = "embeddings"
SMALL_SAMPLE = 5_000
MAX_QUERIES = 2_000
LEAST_QUERIES = 20
MAX_TRAINED = 10_000  # vectors that a code is fitted to
MAX_NUMBERS = 1 << 28  # of the sample, in float32
READ_ROWS = 1 << 14


@dataclass(frozen=True, eq=False)
class Collection:
    """A file of vectors, opened.

    Attributes:
        spec: of the data set.
        protocol: its id, which seeds derive from.
        dataset: the data set.
        split: its queries and database.
        given: options of the data set as the user gave them: metric, queries.
        in_database: how many queries have the same numbers as a vector of the database.
    """

    spec: str
    protocol: str
    dataset: Dataset
    split: Split
    given: Mapping[str, str]
    in_database: int

    @property
    def vectors(self) -> Vectors:
        """All vectors."""
        vectors = self.dataset.vectors()
        assert vectors is not None
        return vectors

    @property
    def distance(self) -> Distance:
        """That neighbours are nearest under."""
        assert self.dataset.distance is not None
        return self.dataset.distance

    @property
    def size(self) -> int:
        """Vectors of the collection: the database, and the queries where they were drawn from it."""
        apart = self.split.query.min() > self.split.database.max()
        return len(self.split.database) if apart else len(self.dataset)


@dataclass(frozen=True, eq=False)
class Sample:
    """Vectors in memory, on the device.

    Attributes:
        queries: float32 [q, d], those to choose by first.
        choosing: how many of them these are.
        training: float32 [n, d], what codes are fitted to.
        rows: float32 [n, d] of the database in random order, so that the first ones are a sample too.
    """

    queries: Tensor
    choosing: int
    training: Tensor
    rows: Tensor

    def neighbours(self, rows: int, distance: Distance, k: int, log: Log) -> Neighbours:
        """The exact k nearest of the first ``rows`` rows."""
        return nearest_neighbours(self.queries, self.rows[:rows], distance, k, self.rows.device, log)


def open_collection(file: str | Path, options: Mapping[str, str], k: int, log: Log) -> Collection:
    """Open a file of vectors, and look at all of them once.

    Raises:
        UsageError: it is not there or cannot be read, vectors have no distance, there are too few of them, or the
            queries are none.
    """
    (spec,) = set_options(expand(f"{DATASET}:{file}"), options)
    dataset = open_dataset(spec, data_folder(None), log)
    card, split = make_card(dataset, protocol_id(spec, dataset))
    found = survey(dataset, card, cache_folder())
    assert found is not None
    check_distance(dataset, found)
    for part, size, least, wanted in (
        ("database", len(split.database), max(k, NEIGHBOURS_K), f"{max(k, NEIGHBOURS_K)} nearest"),
        ("query", len(split.query), LEAST_QUERIES, "interval: half of the queries choose and half confirm"),
    ):
        if size < least:
            raise UsageError(
                f"{dataset.title}: {size:,} {part} vectors, wanted {least} or more for the {wanted}; give more vectors"
                + (", or a file of them with --queries" if part == "query" else ", or fewer queries")
            )
    return Collection(spec, card.protocol, dataset, split, options, found.query_in_database)


def bare_file(file: str) -> str:
    """The file of "embeddings:x.npy", as `hashbench run` names it; what is a file under its whole name as it is."""
    return file if Path(file).is_file() else file.removeprefix(f"{DATASET}:")


class Draw:
    """The order in which a collection's vectors are taken, by a seed.

    Attributes:
        queries: items of the queries, those to choose by first.
        choosing: how many these are.
        database: items of the database, of which a sample is the first ones.
    """

    def __init__(self, collection: Collection, seed: int) -> None:
        rng = np.random.default_rng(derive_seed(seed, "advise"))
        split = collection.split
        self.collection = collection
        self.queries = rng.permutation(split.query)[:MAX_QUERIES]
        self.choosing = len(self.queries) // 2
        self.database = rng.permutation(split.database)

    def sizes(self, k: int) -> list[int]:
        """Sizes of samples, ascending: the smallest that is measured, its doubles, and the largest there can be."""
        largest = min(len(self.database), max(MAX_NUMBERS // self.collection.vectors.shape[1], k))
        sizes = [max(min(SMALL_SAMPLE, largest // 2), min(k, largest))]
        while 2 * sizes[-1] < largest:
            sizes.append(2 * sizes[-1])
        return sizes if sizes[-1] == largest else [*sizes, largest]

    def read(self, rows: int, device: torch.device) -> Sample:
        """The queries, the training vectors and the first ``rows`` of the database."""
        vectors, train = self.collection.vectors, self.collection.split.train[:MAX_TRAINED]
        queries, training, database = (
            _read(vectors, items, device) for items in (self.queries, train, self.database[:rows])
        )
        return Sample(queries, self.choosing, training, database)

    def grown(self, sample: Sample, rows: int) -> Sample:
        """The sample with more rows."""
        more = _read(self.collection.vectors, self.database[:rows], sample.rows.device, sample.rows)
        return Sample(sample.queries, sample.choosing, sample.training, more)


def _read(vectors: Vectors, items: Items, device: torch.device, first: Tensor | None = None) -> Tensor:
    """Float32 [items, d], of which the ``first`` ones have been read."""
    rows = torch.empty((len(items), vectors.shape[1]), device=device)
    known = 0 if first is None else len(first)
    if first is not None:
        rows[:known] = first
    for start in range(known, len(items), READ_ROWS):
        part: Any = np.asarray(vectors[items[start : start + READ_ROWS]], dtype=np.float32)
        rows[start : start + len(part)] = torch.from_numpy(part)
    return rows
