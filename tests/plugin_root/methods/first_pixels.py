"""A method of 20 lines: is each of the first features above its training mean?"""

from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class FirstPixels(HashMethod):
    """Thresholds the first ``bits`` features at their means."""

    traits = Traits(deterministic=True)

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.mean_ = train.features.mean(0)[: self.bits]
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return batch[:, : self.bits] >= self.mean_
