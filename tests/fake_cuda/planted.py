"""A small method that is sound on a GPU, and five that have a fault each, as one would make it by oversight."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class Sound(HashMethod):
    """Random directions, thresholds at the mean; in float32, which no fault may change."""

    traits = Traits(zero_is_one=True, paper="none: a test's")

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = self.centre(x)
        self.directions_ = self.drawn(x.shape[1], run).to(x.device)
        return self

    def centre(self, x: Tensor) -> Tensor:
        return x.mean(0)

    def drawn(self, width: int, run: RunContext) -> Tensor:
        return torch.randn(width, self.bits, generator=run.generator)

    def encode(self, batch: Tensor) -> Tensor:
        return (batch - self.mean_) @ self.directions_ >= 0


class CpuGenerator(Sound):
    """Draws on the device by the run's generator, which is the CPU's."""

    def drawn(self, width: int, run: RunContext) -> Tensor:
        return torch.randn(width, self.bits, generator=run.generator, device=run.device)


class ReadsAValue(Sound):
    """Divides by a number that it reads."""

    def centre(self, x: Tensor) -> Tensor:
        return x.sum(0) / x.abs().amax().clamp(min=len(x)).item()


class NumpyRoundTrip(Sound):
    """Computes the median by numpy."""

    def centre(self, x: Tensor) -> Tensor:
        import numpy as np

        return torch.from_numpy(np.median(x.cpu().numpy(), axis=0)).to(x.device)


class NumpyOfTheGpu(Sound):
    """The same without the way back to the CPU, which torch refuses."""

    def centre(self, x: Tensor) -> Tensor:
        return torch.from_numpy(x.numpy().mean(0)).to(x.device)


class MaskOnTheCpu(Sound):
    """Takes rows by a mask that was made on the CPU."""

    def centre(self, x: Tensor) -> Tensor:
        return x[torch.arange(len(x)) % 2 == 0].mean(0)


class ConditionOnTheCpu(Sound):
    """Chooses by a condition on the CPU, which a GPU refuses."""

    def centre(self, x: Tensor) -> Tensor:
        return torch.where(torch.arange(len(x))[:, None] % 2 == 0, x, 0.0).mean(0)


class Float64Constant(Sound):
    """Multiplies by numbers whose dtype is numpy's."""

    def encode(self, batch: Tensor) -> Tensor:
        import numpy as np

        weights = torch.from_numpy(np.linspace(1, 2, batch.shape[1])).to(batch.device)
        return ((batch - self.mean_) * weights).float() @ self.directions_ >= 0
