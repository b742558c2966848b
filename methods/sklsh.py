"""SKLSH: locality-sensitive codes from random Fourier features."""

import math
from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.shallow.kmeans import CHUNK_ROWS, drawn_rows, squared_distances
from hashbench.util.pca import column_means

ROWS, PER_BLOCK = 1_000, 500  # whose nearest neighbours give the scale


class SKLSH(HashMethod):
    """b = sgn(cos(w^T x + phase) + t), w ~ N(0, gamma I), phase ~ U[0, 2 pi], t ~ U[-1, 1].

    The expected share of bits in which two items differ is a function of the Gaussian kernel
    exp(-gamma ||x - y||^2 / 2) alone (Raginsky and Lazebnik 2009, section 2); it grows with their distance, to
    4 / pi^2 for all that are far. x is centred and divided by the mean distance of training items to their nearest
    neighbour, so that gamma counts in its units; the distance is that of 1,000 items drawn at random, exact duplicates
    left out.

    Args:
        bits: any number.
        gamma: of the kernel, above 0.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        zero_is_one=True,
        paper="Raginsky and Lazebnik, Locality-sensitive binary codes from shift-invariant kernels, NIPS 2009",
    )

    def __init__(self, bits: int, gamma: float = 1.0) -> None:
        super().__init__(bits)
        if not 0 < gamma < math.inf:
            raise ValueError(f"sklsh: gamma is {gamma}, wanted a number above 0")
        self.gamma = gamma

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = column_means(x)
        scale = nearest_neighbour_distance(x, self.mean_, run.generator)
        directions = torch.randn(x.shape[1], self.bits, generator=run.generator, dtype=torch.float64)
        phases, thresholds = torch.rand(2, self.bits, generator=run.generator, dtype=torch.float64)
        self.directions_ = directions.to(x.device) * math.sqrt(self.gamma) / scale
        self.phases_ = phases.to(x.device) * 2 * math.pi
        self.thresholds_ = thresholds.to(x.device) * 2 - 1
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) >= 0

    def project(self, batch: Tensor) -> Tensor:
        waves: Tensor = torch.cos((batch.double() - self.mean_) @ self.directions_ + self.phases_)
        shifted: Tensor = waves + self.thresholds_
        return shifted


def nearest_neighbour_distance(x: Tensor, mean: Tensor, generator: torch.Generator) -> Tensor:
    """Float64 scalar: the mean distance of up to 1,000 rows to the nearest row that is another point; 1 without any."""
    chosen = drawn_rows(len(x), ROWS, generator).to(x.device)
    nearest = torch.full((len(chosen),), math.inf, dtype=torch.float64, device=x.device)
    for first in range(0, len(chosen), PER_BLOCK):
        block = x[chosen[first : first + PER_BLOCK]].double() - mean
        for start in range(0, len(x), CHUNK_ROWS):
            distances = squared_distances(block, x[start : start + CHUNK_ROWS].double() - mean)
            same = 1e-9 * block.square().sum(1, keepdim=True)
            distances.masked_fill_(distances <= same, math.inf)
            nearest[first : first + PER_BLOCK] = torch.minimum(nearest[first : first + PER_BLOCK], distances.amin(1))
    found = nearest.isfinite()
    total = torch.where(found, nearest, 0.0).sqrt().sum()
    return torch.where(found.any(), total / found.sum().clamp(min=1), 1.0)
