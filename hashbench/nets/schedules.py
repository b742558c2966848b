"""Where a training stands, and what follows from it: stages, rates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """A step of a training.

    Attributes:
        epoch, epochs: number of this epoch (0-based) and how many there are.
        step, steps: the same within the epoch.
    """

    epoch: int
    epochs: int
    step: int
    steps: int

    def stage(self, values: Sequence[float]) -> float:
        """The value that holds now when the training is cut into as many equal stages as there are values."""
        passed = self.epoch * self.steps + self.step
        return values[passed * len(values) // (self.epochs * self.steps)]

    def cosine(self) -> float:
        """A factor for a rate: 1 at the first step, down to 0 behind the last along half a cosine.

        Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, without restarts.
        """
        passed = (self.epoch + self.step / self.steps) / self.epochs
        return (1 + math.cos(math.pi * passed)) / 2
