"""A step's position in its training, and the schedules that follow from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingStep:
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
        """The value of this step when the training is divided into as many equal stages as there are values."""
        passed = self.epoch * self.steps + self.step
        return values[passed * len(values) // (self.epochs * self.steps)]

    def cosine(self) -> float:
        """A factor for the learning rate: 1 at the first step, falling to 0 after the last along half a cosine.

        Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, without restarts.
        """
        passed = (self.epoch + self.step / self.steps) / self.epochs
        return (1 + math.cos(math.pi * passed)) / 2
