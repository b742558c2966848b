"""A method whose codes are no numbers."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class NotANumber(HashMethod):
    """Returns NaN in place of bits."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return torch.full((len(batch), self.bits), torch.nan)
