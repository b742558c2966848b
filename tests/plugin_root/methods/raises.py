"""A method that fails while it fits."""

from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class Raises(HashMethod):
    """Raises in ``fit``."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        print("about to divide")
        raise ZeroDivisionError("nothing to divide by")

    def encode(self, batch: Tensor) -> Tensor:
        raise NotImplementedError
