"""Surveys the vectors of a protocol: numbers that break a distance, rows of zeros, queries that are in the database."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.data.protocol_card import ProtocolCard
from hashbench.data.row_sums import SUM_BYTES, row_blocks
from hashbench.dataset import Dataset, Split, Vectors
from hashbench.errors import UsageError
from hashbench.util.files import replacing
from hashbench.util.progress import Progress
from hashbench.util.storage import make_folder

VERSION = 1  # of what is counted; goes up when that changes
_FAULTS = {"nan": "have NaN", "infinite": "have infinite numbers", "zero": "are zero, and have no direction"}


@dataclass(frozen=True)
class VectorSurvey:
    """What is in the vectors of a protocol.

    Attributes:
        dimension, dtype: of the vectors.
        nan, infinite, zero: how many rows of queries and database have NaN, or infinite numbers, or zeros alone.
        first: the first item with each of these.
        query_in_database, query_in_train: how many queries have the same numbers as a row there.
    """

    dimension: int
    dtype: str
    nan: int
    infinite: int
    zero: int
    first: dict[str, int]
    query_in_database: int
    query_in_train: int

    def facts(self) -> dict[str, Any]:
        """What a protocol card has of it."""
        return {name: value for name, value in asdict(self).items() if name != "first"}

    def leaks(self) -> dict[str, int]:
        """The card's leaks."""
        return {"query_in_database": self.query_in_database, "query_in_train": self.query_in_train}


def survey(dataset: Dataset, card: ProtocolCard, cache: Path) -> VectorSurvey | None:
    """The survey of a protocol's vectors, read once for each card; None of a data set of images.

    Args:
        dataset: opened under the protocol.
        card: its card.
        cache: the cache's folder.
    """
    vectors = dataset.vectors()
    if vectors is None:
        return None
    file = cache / "vectors" / f"survey-{VERSION}-{card.id}.json"
    try:
        return VectorSurvey(**json.loads(file.read_bytes()))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError) as error:
        dataset.log(f"the cached survey of vectors {file} is damaged ({error}); made again")
    made = _survey(dataset, vectors, dataset.split())
    make_folder(file.parent)
    with replacing(file) as work:
        work.write_text(json.dumps(asdict(made)))
    return made


def check_distance(dataset: Dataset, found: VectorSurvey) -> None:
    """Check that every vector has a distance to every other.

    Raises:
        UsageError: some have none: NaN and infinite numbers under any distance, zeros under the cosine.
    """
    for kind, words in _FAULTS.items():
        count: int = getattr(found, kind)
        if count and (kind != "zero" or dataset.distance == "cosine"):
            name = dataset.names(np.array([found.first[kind]]))[0]
            way_out = "take them out, or name another --metric" if kind == "zero" else "mend them or take them out"
            raise UsageError(
                f"{dataset.title}: {count:,} of {len(dataset):,} vectors {words} ({name} first), so that their "
                f"{dataset.distance} distance is not defined; {way_out}"
            )


def _survey(dataset: Dataset, vectors: Vectors, split: Split) -> VectorSurvey:
    counts = {"nan": 0, "infinite": 0, "zero": 0}
    first: dict[str, int] = {}
    total = len(split.query) + len(split.database)
    progress = Progress(total, lambda line: dataset.log(f"reading {dataset.title}: {line}"), "vectors")
    sums: dict[str, npt.NDArray[Any]] = {}
    for name, items in (("query", split.query), ("database", split.database)):
        own = []
        for block in row_blocks(vectors, items):
            own.append(block.sums)
            for kind, faulty in _faults(block.rows).items():
                counts[kind] += int(faulty.sum())
                if faulty.any():
                    first.setdefault(kind, int(block.items[faulty.argmax()]))
            progress.done(len(block.items))
        sums[name] = np.concatenate(own).view(f"V{SUM_BYTES}")[:, 0]
    train = sums["database"][np.isin(split.database, split.train)]
    return VectorSurvey(
        dimension=vectors.shape[1],
        dtype=vectors.dtype.name,
        **counts,
        first=first,
        query_in_database=int(np.isin(sums["query"], sums["database"]).sum()),
        query_in_train=int(np.isin(sums["query"], train).sum()),
    )


def _faults(rows: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.bool_]]:
    """Bool [n] by kind of fault."""
    nan, infinite = np.isnan(rows).any(axis=1), np.isinf(rows).any(axis=1)
    return {"nan": nan, "infinite": infinite, "zero": ~rows.any(axis=1)}
