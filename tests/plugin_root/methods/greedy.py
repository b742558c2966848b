"""A method that takes more and more memory, in a process of its own too."""

import subprocess
import sys
import time
from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits

CHUNK = 32 << 20
GREED = "import time; kept = []\nwhile True: kept.append(bytearray(b'1') * (32 << 20)); time.sleep(0.05)"


class Greedy(HashMethod):
    """Takes 1.2 GB a second until something ends it."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        subprocess.Popen([sys.executable, "-c", GREED])
        kept = []
        while True:
            kept.append(bytearray(b"1") * CHUNK)
            time.sleep(0.05)

    def encode(self, batch: Tensor) -> Tensor:
        raise NotImplementedError
