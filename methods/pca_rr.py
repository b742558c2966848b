"""PCA-RR: signs of the leading principal components after a random rotation."""

from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.shallow.rotation import random_rotation
from hashbench.util.pca import principal_axes


class PCARR(HashMethod):
    """b = sgn((x - mean) W R), W the ``bits`` axes of largest variance, R uniform among the rotations.

    The baseline of section 2.1 of the paper, and ITQ's start: the rotation spreads the variance over the bits, so late
    bits are as good as early ones, which those of pcah are not.
    """

    traits = Traits(
        zero_is_one=True,
        paper="Gong and Lazebnik, Iterative quantization: a Procrustean approach to learning binary codes, CVPR 2011",
    )

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        principal = principal_axes(train.features, self.bits)
        self.mean_ = principal.mean
        self.projection_ = principal.axes @ random_rotation(self.bits, run.generator).to(principal.axes.device)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.projection_)
