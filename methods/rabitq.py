"""RaBitQ: one bit for each dimension, and two numbers from which distances are estimated without bias."""

from collections.abc import Mapping
from typing import Literal, Self, get_args

import torch
from torch import Tensor

from hashbench.method import HashMethod, Incompatible, RunContext, TrainingSet, Traits
from hashbench.search.signed_products import signed_products
from hashbench.shallow.rotation import random_rotation
from hashbench.util.pca import column_means

Distance = Literal["l2", "cosine", "ip"]
DISTANCES: tuple[Distance, ...] = get_args(Distance)


class RaBitQ(HashMethod):
    """|q - x|^2 is estimated by |o|^2 + |q'|^2 - 2 |o|^2 / |o|_1 <sign(o), q'> of o = R (x - mean), q' = R (q - mean).

    R is uniform among the orthogonal matrices, over which the estimate is unbiased; its error falls with the square
    root of the dimension. Kept of an item are its bits [o > 0] and two numbers, |o|^2 and |o|^2 / |o|_1. Under the
    cosine vectors are first made as long as 1. Of the inner product, |o|^2 - |x|^2 is kept in the place of |o|^2, so
    that -2 <q, x> is estimated.

    Args:
        bits: code length, the dimension of the features (``--bits full``).
        query_bits: bits of each number of q': 1 to 8, in equal steps from its lowest to its highest, rounded to the
            nearest (the paper draws one of two; 1 or 2 bits stretch the product here); 0 leaves them float.
        rotation: draw R; without it, R is the identity, and the estimate is biased.
    """

    traits = Traits(
        paper="Gao and Long, RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound for "
        "Approximate Nearest Neighbor Search, SIGMOD 2024",
        ranking="estimator",
    )

    def __init__(self, bits: int, query_bits: int = 4, rotation: bool = True) -> None:
        super().__init__(bits)
        if not 0 <= query_bits <= 8:
            raise ValueError(f"rabitq: query_bits is {query_bits}, wanted 1 to 8, or 0 for float")
        self.query_bits, self.rotation = query_bits, rotation

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        """Learn the mean, draw the rotation.

        Raises:
            Incompatible: the features have another dimension than ``bits``.
        """
        x, dimension = train.features, train.features.shape[1]
        if self.bits != dimension:
            raise Incompatible(
                f"rabitq makes {dimension} bits of {dimension} dimensions, not {self.bits} (--bits full)"
            )
        self.distance_ = torch.tensor(DISTANCES.index(run.distance))
        self.mean_ = column_means(_unit(x) if run.distance == "cosine" else x)
        if self.rotation:
            self.rotation_ = random_rotation(dimension, run.generator).to(x.device)
        return self

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:
        super().load_state(state, run)
        self.distance_ = self.distance_.cpu()  # every call reads it, and would wait for a GPU

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) > 0

    def project(self, batch: Tensor) -> Tensor:
        centred = self._placed(batch) - self.mean_
        return centred @ self.rotation_ if self.rotation else centred

    def factors(self, batch: Tensor) -> Tensor:
        o = self.project(batch)
        square, length = o.square().sum(dim=1), o.abs().sum(dim=1)
        slope = torch.where(length > 0, square / length, 0)
        if self._distance == "ip":
            square = square - self._placed(batch).square().sum(dim=1)
        return torch.stack([square, slope], dim=1).float()

    def prepare(self, queries: Tensor) -> Tensor:
        """q', in so many bits as ``query_bits`` says, and behind it what each estimate of a query has added."""
        q = self.project(queries)
        added = q.square().sum(dim=1, keepdim=True)
        if self._distance == "ip":
            added = added - self._placed(queries).square().sum(dim=1, keepdim=True)
        if self.query_bits:
            low, high = q.aminmax(dim=1, keepdim=True)
            step = (high - low) / (2**self.query_bits - 1)
            q = low + ((q - low) / torch.where(step > 0, step, 1)).round() * step
        return torch.cat([q, added], dim=1).float()

    def scores(self, prepared: Tensor, codes: Tensor, factors: Tensor) -> Tensor:
        products = signed_products(prepared[:, :-1], codes)
        return prepared[:, -1:] + factors[:, 0] - 2 * factors[:, 1] * products

    @property
    def _distance(self) -> Distance:
        return DISTANCES[int(self.distance_)]

    def _placed(self, batch: Tensor) -> Tensor:
        """The batch in float64, of length 1 under the cosine."""
        return _unit(batch.double()) if self._distance == "cosine" else batch.double()


def _unit(x: Tensor) -> Tensor:
    """Rows as long as 1; those of zeros stay."""
    lengths = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / torch.where(lengths > 0, lengths, 1)
