"""IMH: inductive manifold hashing, an embedding of a few base points that is extended to all items."""

import math
from typing import Literal, Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.shallow.anchor_weights import anchor_bandwidth, anchor_weights
from hashbench.shallow.graph_spectrum import graph_spectrum
from hashbench.shallow.kmeans import CHUNK_ROWS, kmeans, squared_distances
from hashbench.shallow.tsne import tsne
from hashbench.util.pca import column_means

KMEANS_ITERATIONS = 10
GRAPH_NEIGHBOURS = 20  # of a base point, for Laplacian eigenmaps


class InductiveManifoldHashing(HashMethod):
    """Inductive hashing on manifolds (Shen, Shen, Shi, van den Hengel and Tang 2013).

    k-means makes ``base`` points, which a manifold method embeds in ``bits`` dimensions: Y [base, bits], by t-SNE (the
    paper's best) or Laplacian eigenmaps. An item's embedding is the mean of those of its ``nearest`` nearest base
    points with Gaussian weights (equation 5), and a bit is the sign of one of its dimensions, less its mean over the
    training items.

    The paper's eigenmaps add the edges between base points and training items to those among base points; here they
    have the latter alone, each point joined to its 20 nearest. Left open by the paper: the bandwidth is the mean
    distance to the ``nearest``-th base point.

    Args:
        bits: fewer than there are base points.
        embedding: "tsne" or "eigenmaps".
        base: m; the paper's 400.
        nearest: s; the paper's 5.
        perplexity: of t-SNE; its authors' 30.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        zero_is_one=True, paper="Shen, Shen, Shi, van den Hengel and Tang, Inductive hashing on manifolds, CVPR 2013"
    )

    def __init__(
        self,
        bits: int,
        embedding: Literal["tsne", "eigenmaps"] = "tsne",
        base: int = 400,
        nearest: int = 5,
        perplexity: float = 30.0,
    ) -> None:
        super().__init__(bits)
        if not 1 <= nearest <= base:
            raise ValueError(f"imh: nearest is {nearest} of {base} base points, wanted 1 to as many as there are")
        if not 1 < perplexity < math.inf:
            raise ValueError(f"imh: perplexity is {perplexity}, wanted a number above 1")
        self.embedding, self.base, self.nearest, self.perplexity = embedding, base, nearest, perplexity

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = column_means(x)
        self.base_ = kmeans(x, self.mean_, self.base, KMEANS_ITERATIONS, run.generator)[0]
        if self.bits >= len(self.base_):
            raise Incompatible(f"an embedding in {self.bits} dimensions needs more base points than {len(self.base_)}")
        nearest = min(self.nearest, len(self.base_))
        self.bandwidth_ = anchor_bandwidth(x, self.mean_, self.base_, nearest)
        if self.embedding == "tsne":
            embedded = tsne(self.base_, self.bits, self.perplexity, run.generator)
        else:
            embedded = embedded_by_eigenmaps(self.base_, self.bits, run.generator)
        self.embedded_ = embedded
        total = torch.zeros(self.bits, dtype=torch.float64, device=x.device)
        for start in range(0, len(x), CHUNK_ROWS):
            total += self.project(x[start : start + CHUNK_ROWS]).sum(0)
        self.embedded_ = embedded - total / len(x)  # weights sum to 1, so the extension's mean becomes 0
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) >= 0

    def project(self, batch: Tensor) -> Tensor:
        nearest = min(self.nearest, len(self.base_))
        return anchor_weights(batch.double() - self.mean_, self.base_, nearest, self.bandwidth_) @ self.embedded_


def embedded_by_eigenmaps(base: Tensor, bits: int, generator: torch.Generator) -> Tensor:
    """Float64 [m, bits]: the eigenvectors of the normalised Laplacian of the base points' graph, after the constant."""
    distances = squared_distances(base, base).fill_diagonal_(torch.inf)
    values, columns = distances.topk(min(GRAPH_NEIGHBOURS, len(base) - 1), dim=1, largest=False)
    width = values[:, -1].mean().clamp(min=torch.finfo(torch.float64).tiny)
    graph = torch.zeros_like(distances).scatter_(1, columns, torch.exp(-values / width))
    graph = torch.maximum(graph, graph.T)
    root = graph.sum(1).clamp(min=1e-300).rsqrt()
    return root[:, None] * graph_spectrum(graph, root, bits, generator)[1]
