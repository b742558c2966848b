"""Sign: one bit for each dimension, by a threshold."""

from typing import Literal, Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, Incompatible, Linear, RunContext, TrainingSet, Traits
from hashbench.util.pca import column_means

SORTED_NUMBERS = 1 << 24  # of features at a time


class Sign(HashMethod):
    """b_i = [x_i > t_i], what vector databases call binary quantisation: t = 0, or the mean or median of dimension i.

    Zero suits embeddings that are spread around it. Features that are nowhere negative, pixels or those behind a ReLU,
    lose most of what one bit can tell unless the threshold is their mean or median.

    Args:
        bits: code length, the dimension of the features (``--bits full``).
        threshold: "zero", "mean" or "median" of each dimension, over the training set; of an even number of items the
            median is the mean of the two in the middle.
        nested: fewer bits than dimensions are those of the first dimensions, for embeddings that were trained so that
            their beginning is an embedding too (Matryoshka).
    """

    traits = Traits(
        deterministic=True,
        nested=True,
        paper="none: the sign of each dimension, as vector databases quantise (binary quantisation)",
    )

    def __init__(self, bits: int, threshold: Literal["zero", "mean", "median"] = "zero", nested: bool = False) -> None:
        super().__init__(bits)
        self.threshold, self.nested = threshold, nested

    def fit(self, train: TrainingSet, run: RunContext) -> Self:  # noqa: ARG002 - nothing is drawn
        """Learn the thresholds.

        Raises:
            Incompatible: the features have another dimension than ``bits``, or, where ``nested``, a smaller one.
        """
        x, dimension = train.features, train.features.shape[1]
        if self.bits > dimension or (self.bits < dimension and not self.nested):
            nested = "" if self.bits > dimension else "; nested=true takes the first dimensions of a nested embedding"
            raise Incompatible(
                f"sign makes {dimension} bits of {dimension} dimensions, not {self.bits} (--bits full){nested}"
            )
        if self.threshold == "zero":
            self.threshold_ = torch.zeros(self.bits, dtype=torch.float64, device=x.device)
        else:
            learn = column_means if self.threshold == "mean" else column_medians
            self.threshold_ = learn(x[:, : self.bits])
        return self

    def is_nested(self) -> bool:
        return self.nested

    def first_bits(self, bits: int) -> Self:
        first = type(self)(bits, self.threshold, self.nested)
        first.threshold_ = self.threshold_[:bits].contiguous()
        return first

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) > 0

    def linear(self) -> Linear:
        return Linear(self.threshold_, nested=self.nested)


def column_medians(x: Tensor) -> Tensor:
    """Float64 [d], the median of each column of ``x``, float32 [n, d]."""
    columns = max(1, SORTED_NUMBERS // len(x))
    middle = slice((len(x) - 1) // 2, len(x) // 2 + 1)
    return torch.cat([part.sort(0).values[middle].double().mean(0) for part in torch.split(x, columns, dim=1)])
