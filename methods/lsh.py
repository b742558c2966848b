"""LSH: signs of random projections."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.util.pca import column_means


class LSH(HashMethod):
    """b = sgn(W^T (x - mean)) with W ~ N(0, I): P[two bits are equal] = 1 - angle / pi (Charikar 2002, section 3).

    The mean is the training set's. Many public versions do not centre: on features that are nowhere negative, all
    angles are then small, most bits constant, and several points of mAP are lost.
    """

    traits = Traits(
        zero_is_one=True, paper="Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002"
    )

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = column_means(x)
        self.directions_ = torch.randn(x.shape[1], self.bits, generator=run.generator, dtype=torch.float64).to(x.device)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.directions_)
