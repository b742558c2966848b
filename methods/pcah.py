"""PCAH: signs of the leading principal components."""

from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.util.pca import principal_axes


class PCAH(HashMethod):
    """b = sgn(W^T (x - mean)), W the axes of largest variance (Wang, Kumar and Chang, section 3.2 without labels).

    Each bit is one principal component, so late bits follow directions of little variance and mAP falls with length.
    A direction without variance gives a constant bit.
    """

    traits = Traits(
        deterministic=True,
        nested=True,
        zero_is_one=True,
        paper="Wang, Kumar and Chang, Semi-supervised hashing for scalable image retrieval, CVPR 2010",
    )

    def fit(self, train: TrainingSet, run: RunContext) -> Self:  # noqa: ARG002 - nothing is drawn
        principal = principal_axes(train.features, self.bits)
        self.mean_, self.axes_ = principal.mean, principal.axes
        return self

    def first_bits(self, bits: int) -> Self:
        first = type(self)(bits)
        first.mean_, first.axes_ = self.mean_, self.axes_[:, :bits].contiguous()
        return first

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.axes_)
