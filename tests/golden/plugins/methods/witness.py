"""A method that keeps what the engine gives it: its training features, and draws from every generator."""

import random
from typing import Self

import numpy as np
import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits

MOST = 1 << 20


class Witness(HashMethod):
    """Thresholds the first ``bits`` features at their training means."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.mean_ = train.features.double().mean(0)[: self.bits]
        self.features_ = train.features.clone()
        self.own_ = torch.randint(0, MOST, (6,), generator=run.generator)
        self.torch_ = torch.randint(0, MOST, (6,))
        self.numpy_ = torch.from_numpy(np.random.randint(0, MOST, 6))  # noqa: NPY002
        self.python_ = torch.tensor([random.randrange(MOST) for _ in range(6)])
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return batch[:, : self.bits].double() >= self.mean_
