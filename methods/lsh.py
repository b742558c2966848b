"""LSH: signs of random projections."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class LSH(HashMethod):
    """Sign of centred features projected on Gaussian directions: P[bits equal] = 1 - angle / pi (Charikar 2002)."""

    traits = Traits(paper="Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002")

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features.double()
        self.mean_ = x.mean(0)
        self.directions_ = torch.randn(x.shape[1], self.bits, generator=run.generator, dtype=torch.float64).to(x.device)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return (batch.double() - self.mean_) @ self.directions_ >= 0
