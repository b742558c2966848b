"""A method whose process is killed while it fits."""

import os
import signal
from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class Killed(HashMethod):
    """Sends SIGKILL to its own process, as a system without memory would."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        os.kill(os.getpid(), signal.SIGKILL)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        raise NotImplementedError
