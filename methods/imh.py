"""IMH: inductive manifold hashing, an embedding of a few base points that is extended to all items."""

from typing import Literal, Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.shallow.anchor_weights import anchor_bandwidth, anchor_weights
from hashbench.shallow.kmeans import CHUNK_ROWS, kmeans, squared_distances
from hashbench.util.pca import column_means

KMEANS_ITERATIONS = 5
PERPLEXITY = 30.0
GRAPH_NEIGHBOURS = 20  # of a base point, for Laplacian eigenmaps


class InductiveManifoldHashing(HashMethod):
    """Inductive hashing on manifolds (Shen, Shen, Shi, van den Hengel and Tang 2013).

    k-means makes ``base`` points, which a manifold method embeds in ``bits`` dimensions: t-SNE (the paper's best) or
    Laplacian eigenmaps. An item's embedding is the mean of those of its ``nearest`` nearest base points with Gaussian
    weights (equation 5), and a bit is the sign of one of its dimensions, less its mean over the training items.

    The bandwidth is the mean distance to the ``nearest``-th base point, the perplexity 30 (or a third of the base
    points, where there are few), which the paper leaves open.
    """

    traits = Traits(paper="Shen, Shen, Shi, van den Hengel and Tang, Inductive hashing on manifolds, CVPR 2013")

    def __init__(
        self, bits: int, embedding: Literal["tsne", "eigenmaps"] = "tsne", base: int = 400, nearest: int = 5
    ) -> None:
        super().__init__(bits)
        if not 1 <= nearest <= base:
            raise ValueError(f"imh: nearest is {nearest} of {base} base points, wanted 1 to as many as there are")
        self.embedding, self.base, self.nearest = embedding, base, nearest

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = column_means(x)
        self.base_ = kmeans(x, self.mean_, self.base, KMEANS_ITERATIONS, run.generator)[0]
        if self.bits >= len(self.base_):
            raise Incompatible(f"an embedding in {self.bits} dimensions needs more base points than {len(self.base_)}")
        nearest = min(self.nearest, len(self.base_))
        self.bandwidth_ = anchor_bandwidth(x, self.mean_, self.base_, nearest)
        if self.embedding == "tsne":
            embedded = embedded_by_tsne(self.base_, self.bits, run.generator)
        else:
            embedded = embedded_by_eigenmaps(self.base_, self.bits)
        self.embedded_ = embedded
        total = torch.zeros(self.bits, dtype=torch.float64, device=x.device)
        for start in range(0, len(x), CHUNK_ROWS):
            total += self._extended(x[start : start + CHUNK_ROWS]).sum(0)
        self.embedded_ = embedded - total / len(x)  # weights sum to 1, so the extension's mean becomes 0
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self._extended(batch) >= 0

    def _extended(self, batch: Tensor) -> Tensor:
        nearest = min(self.nearest, len(self.base_))
        return anchor_weights(batch.double() - self.mean_, self.base_, nearest, self.bandwidth_) @ self.embedded_


def embedded_by_tsne(base: Tensor, bits: int, generator: torch.Generator) -> Tensor:
    """Float64 [m, bits] on the device of ``base``; scikit-learn's exact t-SNE, from random positions."""
    from sklearn.manifold import TSNE

    seed = int(torch.randint(2**31, (1,), generator=generator))
    perplexity = min(PERPLEXITY, (len(base) - 1) / 3)
    embedding = TSNE(bits, perplexity=perplexity, init="random", method="exact", random_state=seed, n_jobs=1)
    return torch.from_numpy(embedding.fit_transform(base.cpu().numpy())).double().to(base.device)


def embedded_by_eigenmaps(base: Tensor, bits: int) -> Tensor:
    """Float64 [m, bits]: the eigenvectors of the normalised Laplacian of the base points' graph, after the constant."""
    distances = squared_distances(base, base).fill_diagonal_(torch.inf)
    values, columns = distances.topk(min(GRAPH_NEIGHBOURS, len(base) - 1), dim=1, largest=False)
    width = values[:, -1].mean().clamp(min=torch.finfo(torch.float64).tiny)
    graph = torch.zeros_like(distances).scatter_(1, columns, torch.exp(-values / width))
    graph = torch.maximum(graph, graph.T)
    root = graph.sum(1).clamp(min=1e-300).rsqrt()
    vectors = root[:, None] * torch.linalg.eigh(root[:, None] * graph * root).eigenvectors.flip(1)[:, 1 : bits + 1]
    largest = vectors.abs().argmax(0, keepdim=True)
    return vectors * torch.where(vectors.gather(0, largest) < 0, -1.0, 1.0)
