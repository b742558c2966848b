"""Reference trials of relevance by neighbours: the ranking by float vectors that are kept in fewer bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.dataset import Distance, Items, Split
from hashbench.errors import Incompatible
from hashbench.evaluation.evaluate import Scores, evaluate_similarities
from hashbench.evaluation.neighbours import Neighbours
from hashbench.evaluation.relevance import Labels
from hashbench.evaluation.similarities import FeatureSimilarities
from hashbench.execution.references import CentredRows, feature_rows, training_mean
from hashbench.execution.training_data import TrainingData
from hashbench.records.trial_spec import FLOAT16, INT8, PRODUCT_QUANTISER, PRODUCT_QUANTISER_BYTES

BLOCK_ROWS = 1 << 12  # encoded or decoded at a time
CENTROIDS = 256  # of each part of a vector: one byte
MOST_TRAINING = 1 << 16  # vectors that a product quantiser learns from


class Quantiser(Protocol):
    """A database of vectors in fewer bytes.

    Attributes:
        bytes_per_item: of one vector.
    """

    bytes_per_item: int

    def __getitem__(self, rows: slice) -> Tensor:
        """What is left of the vectors in these rows, float32 [rows, d] on the device of the ranking."""


@dataclass(frozen=True)
class Vectors:
    """Vectors as they are ranked: of length 1 under the cosine, else as they are."""

    rows: CentredRows
    distance: Distance

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice) -> Tensor:
        vectors = self.rows[rows]
        if self.distance != "cosine":
            return vectors
        lengths = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
        return vectors / torch.where(lengths > 0, lengths, 1)

    def blocks(self) -> list[slice]:
        """All rows, some at a time."""
        return [slice(start, min(start + BLOCK_ROWS, len(self))) for start in range(0, len(self), BLOCK_ROWS)]


class HalfPrecision:
    """Each number as a float16."""

    def __init__(self, database: Vectors, train: Vectors) -> None:  # noqa: ARG002 - nothing is learnt
        self._database = database
        self.bytes_per_item = 2 * database.rows.dimension

    def __getitem__(self, rows: slice) -> Tensor:
        """Raises Incompatible: a number is too large."""
        halves = self._database[rows].half()
        if not bool(torch.isfinite(halves).all()):
            raise Incompatible(f"{FLOAT16}: the vectors have numbers beyond {torch.finfo(torch.float16).max:,.0f}")
        return halves.float()


class WholeNumbers:
    """Each number as one of 256 steps between the lowest and the highest of its dimension in the training set."""

    def __init__(self, database: Vectors, train: Vectors) -> None:
        self._database = database
        self.bytes_per_item = database.rows.dimension
        bounds = [torch.aminmax(train[part], dim=0) for part in train.blocks()]
        self._low = torch.stack([each.min for each in bounds]).amin(0)
        self._step = (torch.stack([each.max for each in bounds]).amax(0) - self._low) / 255

    def __getitem__(self, rows: slice) -> Tensor:
        steps = (self._database[rows] - self._low) / torch.where(self._step > 0, self._step, 1)
        return self._low + steps.round().clamp(0, 255) * self._step


class ProductQuantiser:
    """A byte for each of 16 parts of a vector, its nearest of 256 centroids: faiss's product quantiser.

    Dimensions that are no multiple of 16 are filled up with zeros, which changes no distance.
    """

    def __init__(self, database: Vectors, train: Vectors) -> None:
        """Raises Incompatible: faiss is not installed, or there are fewer training vectors than centroids."""
        self.bytes_per_item = PRODUCT_QUANTISER_BYTES
        self._dimension, self._device = database.rows.dimension, database.rows.mean.device
        try:
            faiss: Any = import_module("faiss")
        except ImportError:
            raise Incompatible(f"{PRODUCT_QUANTISER} is faiss's, which is not here: pip install faiss-cpu") from None
        if len(train) < CENTROIDS:
            raise Incompatible(f"{PRODUCT_QUANTISER} learns from {CENTROIDS} vectors or more, not {len(train)}")
        width = -(-self._dimension // self.bytes_per_item) * self.bytes_per_item
        self._quantiser = faiss.ProductQuantizer(width, self.bytes_per_item, 8)
        self._quantiser.cp.min_points_per_centroid = 1  # fewer are warned of on standard output
        learnt = [self._padded(train[part]) for part in train.blocks() if part.start < MOST_TRAINING]
        self._quantiser.train(np.concatenate(learnt)[:MOST_TRAINING])
        codes = [self._quantiser.compute_codes(self._padded(database[part])) for part in database.blocks()]
        self._codes: npt.NDArray[np.uint8] = np.concatenate(codes)

    def __getitem__(self, rows: slice) -> Tensor:
        decoded = self._quantiser.decode(self._codes[rows])[:, : self._dimension]
        return torch.from_numpy(np.ascontiguousarray(decoded)).to(self._device)

    def _padded(self, vectors: Tensor) -> npt.NDArray[np.float32]:
        padded = np.zeros((len(vectors), self._quantiser.d), dtype=np.float32)
        padded[:, : self._dimension] = vectors.cpu().numpy()
        return padded


QUANTISERS: dict[str, Callable[[Vectors, Vectors], Quantiser]] = {
    FLOAT16: HalfPrecision,
    INT8: WholeNumbers,
    PRODUCT_QUANTISER: ProductQuantiser,
}


@dataclass(frozen=True)
class ShiftedRows:
    """What is left of vectors, less a mean, as :class:`hashbench.evaluation.feature_rows.FeatureRows`."""

    vectors: Quantiser | Vectors
    items: int
    mean: Tensor

    @property
    def dimension(self) -> int:
        """Numbers per item."""
        return len(self.mean)

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, rows: slice) -> Tensor:
        return self.vectors[rows] - self.mean


def quantised_scores(
    reference: str,
    inputs: TrainingData,
    split: Split,
    labels: tuple[Labels | None, Labels | None],
    cutoff: int | None,
    neighbours: Neighbours,
    device: torch.device,
) -> tuple[Scores, int]:
    """Scores of the ranking by float queries and quantised vectors under the protocol's distance; bytes of a vector.

    Args:
        reference: which of :data:`QUANTISERS`.
        inputs: the vectors.
        split: index sets; the quantiser learns from the training items.
        labels: of queries and database, None of both where there are none.
        cutoff: the protocol's customary k.
        neighbours: the ground truth, by the float vectors.
        device: where the ranking runs.

    Raises:
        Incompatible: these vectors cannot be quantised so here.
    """

    def vectors(items: Items) -> Vectors:
        return Vectors(feature_rows(inputs, items, device), neighbours.distance)

    quantised = QUANTISERS[reference](vectors(split.database), vectors(split.train))
    mean = torch.zeros(inputs.features.shape[1], device=device)
    if neighbours.distance == "l2":  # does not change by a shift, and has more digits around zero
        mean = training_mean(inputs, split.train, device).float()
    query = ShiftedRows(vectors(split.query), len(split.query), mean)
    database = ShiftedRows(quantised, len(split.database), mean)
    ranking = FeatureSimilarities(query, database, device, neighbours.distance)
    return evaluate_similarities(ranking, *labels, cutoff, neighbours=neighbours), quantised.bytes_per_item
