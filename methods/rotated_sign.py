"""Rotated sign: one bit for each dimension, after a random rotation around the mean."""

from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, Incompatible, Linear, RunContext, TrainingSet, Traits
from hashbench.shallow.rotation import random_rotation
from hashbench.util.pca import column_means


class RotatedSign(HashMethod):
    """b = [R (x - mean) > 0], R uniform among the orthogonal matrices, with a bit for each dimension (``--bits full``).

    The rotation gives each bit the same share of the variance, which in most features a few dimensions hold: one bit
    tells more of all of them. Random directions that are orthogonal estimate the angle with less variance than
    independent ones do. It is what RaBitQ and the rotational quantisers of vector databases do before they add factors.
    """

    traits = Traits(paper="Ji, Li, Yan, Zhang and Tian, Super-bit locality-sensitive hashing, NIPS 2012")

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        """Learn the mean, draw the rotation.

        Raises:
            Incompatible: the features have another dimension than ``bits``.
        """
        x, dimension = train.features, train.features.shape[1]
        if self.bits != dimension:
            raise Incompatible(
                f"rotated_sign makes {dimension} bits of {dimension} dimensions, not {self.bits} (--bits full)"
            )
        self.mean_ = column_means(x)
        self.rotation_ = random_rotation(dimension, run.generator).to(x.device)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) > 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.rotation_)
