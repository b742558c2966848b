"""A method whose process ends with 0 and without a record."""

import os
from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class Vanishes(HashMethod):
    """Leaves the process in ``fit``."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        os._exit(0)

    def encode(self, batch: Tensor) -> Tensor:
        raise NotImplementedError
