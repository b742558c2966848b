"""LSH: signs of random projections."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.util.pca import column_means


class LSH(HashMethod):
    """b = sgn(W^T (x - mean)) with W ~ N(0, I): P[two bits are equal] = 1 - angle / pi (Charikar 2002, section 3).

    The mean is the training set's. Many public versions do not centre: on features that are nowhere negative, all
    angles are then small, most bits nearly constant, and several points of mAP are lost.

    Args:
        bits: any number.
        centred: whether the mean is taken off; False is the method of those versions.
    """

    traits = Traits(
        zero_is_one=True,
        nested=True,
        paper="Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002",
    )

    def __init__(self, bits: int, centred: bool = True) -> None:
        super().__init__(bits)
        self.centred = centred

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = column_means(x) if self.centred else x.new_zeros(x.shape[1], dtype=torch.float64)
        each = [torch.randn(x.shape[1], generator=run.generator, dtype=torch.float64) for _ in range(self.bits)]
        self.directions_ = torch.stack(each, dim=1).to(x.device)  # drawn bit by bit, so that codes are nested
        return self

    def first_bits(self, bits: int) -> Self:
        first = type(self)(bits, self.centred)
        first.mean_, first.directions_ = self.mean_, self.directions_[:, :bits].contiguous()
        return first

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.directions_)
