"""AGH: hashing with anchor graphs, in one layer or two."""

import math
from typing import Literal, Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.shallow.anchor_weights import anchor_bandwidth, anchor_weights
from hashbench.shallow.graph_spectrum import graph_spectrum
from hashbench.shallow.kmeans import CHUNK_ROWS, kmeans
from hashbench.util.pca import column_means

RANK_TOLERANCE = 1e-12  # an eigenvalue below this counts as zero
ROUNDING = 1e-9  # of y, whose mean square is 1, and of an item's share of the Laplacian
KMEANS_ITERATIONS = 5


class AnchorGraphHashing(HashMethod):
    """Hashing with graphs (Liu, Wang, Kumar and Chang 2011).

    Z [n, m] holds each item's Gaussian weights to its ``nearest`` nearest of m anchors, rows summing to 1 (equation 3);
    A = Z Lambda^-1 Z^T with Lambda = diag(Z^T 1) is the graph. The eigenvectors of A follow from those of the small
    M = Lambda^-1/2 Z^T Z Lambda^-1/2 with eigenvalues 1 > sigma_1 >= sigma_2 >= ...; the first, 1, is left out:
    y(x) = z(x) W, W = sqrt(n) Lambda^-1/2 V Sigma^-1/2 (section 3.3). Where the graph falls into parts, 1 is an
    eigenvalue once for each of them, and the basis of the eigenvectors that are left of it is drawn.

    One layer: a bit is sgn(y_k). Two layers: bits / 2 eigenvectors give two bits each, the second a threshold of its
    own on either side of zero, which minimises the graph Laplacian of the bit and keeps it balanced (section 3.4).

    Anchors are k-means centres after five iterations; the bandwidth is the mean distance to the ``nearest``-th anchor.

    Args:
        bits: the eigenvectors they need are fewer than the anchors.
        layers: 1 or 2; the paper's better one is 2, at equal length.
        anchors: m; the paper's 300.
        nearest: s; the paper has 2 to 5, by data set.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(zero_is_one=True, paper="Liu, Wang, Kumar and Chang, Hashing with graphs, ICML 2011")

    def __init__(self, bits: int, layers: Literal[1, 2] = 1, anchors: int = 300, nearest: int = 2) -> None:
        super().__init__(bits)
        if not 1 <= nearest <= anchors:
            raise ValueError(f"agh: nearest is {nearest} of {anchors} anchors, wanted 1 to as many as there are")
        self.layers, self.anchors, self.nearest = layers, anchors, nearest

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x, count = train.features, math.ceil(self.bits / self.layers)
        self.mean_ = column_means(x)
        self.anchors_ = kmeans(x, self.mean_, self.anchors, KMEANS_ITERATIONS, run.generator)[0]
        if count >= len(self.anchors_):
            raise Incompatible(f"{count} eigenvectors need more than as many anchors, there are {len(self.anchors_)}")
        self.bandwidth_ = anchor_bandwidth(x, self.mean_, self.anchors_, min(self.nearest, len(self.anchors_)))
        self.weights_, degrees = self._eigenvectors(x, count, run.generator)
        if self.layers == 2:
            self.thresholds_ = self._thresholds(x, degrees)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) >= 0

    def project(self, batch: Tensor) -> Tensor:
        values = self._described(batch) @ self.weights_
        if self.layers == 1:
            return values
        above, below = self.thresholds_
        second = torch.where(values >= 0, values - above, below - values)
        second = torch.where(second.abs() < ROUNDING, 0.0, second)  # of parts that lie at a threshold
        return torch.stack([values, second], dim=2).flatten(1)[:, : self.bits]

    def _described(self, batch: Tensor) -> Tensor:
        """Z, float64 [n, m]."""
        nearest = min(self.nearest, len(self.anchors_))
        return anchor_weights(batch.double() - self.mean_, self.anchors_, nearest, self.bandwidth_)

    def _eigenvectors(self, x: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """W [m, count], a zero column for an eigenvalue of zero, and the degrees Lambda [m]."""
        size = len(self.anchors_)
        gram = torch.zeros(size, size, dtype=torch.float64, device=x.device)
        degrees = torch.zeros(size, dtype=torch.float64, device=x.device)
        for start in range(0, len(x), CHUNK_ROWS):
            z = self._described(x[start : start + CHUNK_ROWS])
            gram.addmm_(z.T, z)
            degrees += z.sum(0)
        root = torch.where(degrees > 0, degrees.clamp(min=1e-300).rsqrt(), 0.0)
        values, vectors = graph_spectrum(gram, root, count, generator)
        scale = torch.where(values > RANK_TOLERANCE, values.clamp(min=RANK_TOLERANCE).rsqrt(), 0.0)
        return math.sqrt(len(x)) * root[:, None] * vectors * scale, degrees

    def _thresholds(self, x: Tensor, degrees: Tensor) -> Tensor:
        """b+ and b- of each eigenvector, float64 [2, count].

        The second bit is sgn(t) with t = |y| + b+ p + b- q, where p is -1 for items with y >= 0 and q is 1 for the
        others. Minimised is t^T L t, L = I - Z Lambda^-1 Z^T, under 1^T t = 0: a quadratic in one unknown.
        """
        count, size = self.weights_.shape[1], len(self.anchors_)
        products = torch.zeros(count, 3, 3, dtype=torch.float64, device=x.device)
        through = torch.zeros(count, size, 3, dtype=torch.float64, device=x.device)
        sums = torch.zeros(count, 3, dtype=torch.float64, device=x.device)
        for start in range(0, len(x), CHUNK_ROWS):
            z = self._described(x[start : start + CHUNK_ROWS])
            values = z @ self.weights_
            above = (values >= 0).double()
            parts = torch.stack([values.abs(), -above, 1 - above], dim=2).transpose(0, 1)  # [count, rows, 3]
            products += parts.transpose(1, 2) @ parts
            through += z.T @ parts
            sums += parts.sum(1)
        inverse = torch.where(degrees > 0, 1 / degrees.clamp(min=1e-300), 0.0)
        laplacian = products - through.transpose(1, 2) @ (inverse[:, None] * through)
        return balanced_minimum(laplacian, sums)


def balanced_minimum(quadratic: Tensor, sums: Tensor) -> Tensor:
    """(b+, b-) that minimise (1, b)^T G (1, b) under s^T (1, b) = 0, float64 [2, count].

    Args:
        quadratic: G, float64 [count, 3, 3].
        sums: s, float64 [count, 3]; where one side of zero is empty, its threshold is 0 and the other balances alone.

    Where G is flat along that line, as for a constant of each of a graph's parts, the shortest b is taken.
    """
    offset, along = _line(sums)
    curvature = (along[:, None] @ quadratic @ along[..., None]).flatten()
    slope = (along[:, None] @ quadratic @ offset[..., None]).flatten()
    items = sums[:, 1:].abs().sum(1)
    step = torch.where(curvature > ROUNDING * items, -slope / curvature.clamp(min=1e-300), 0.0)
    return (offset + step[:, None] * along)[:, 1:].T.contiguous()


def _line(sums: Tensor) -> tuple[Tensor, Tensor]:
    """A point (1, b+, b-) [count, 3] on the line of balanced thresholds, and the line's direction (0, ., .)."""
    total, minus, plus = sums.unbind(1)  # minus = -(items above zero), plus = items below
    squares = (minus.square() + plus.square()).clamp(min=1)
    offset = torch.stack([torch.ones_like(total), -total * minus / squares, -total * plus / squares], dim=1)
    both = (minus != 0) & (plus != 0)
    along = torch.stack([torch.zeros_like(total), plus, -minus], dim=1) / squares.sqrt()[:, None]
    return offset, along * both[:, None]
