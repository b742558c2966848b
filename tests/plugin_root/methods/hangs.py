"""A method that never ends, with a process of its own, and that ignores being asked to stop."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class Hangs(HashMethod):
    """Sleeps in ``fit``; where HASHBENCH_TEST_PIDS names a file, both process numbers are in it."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        if os.environ.get("HASHBENCH_TEST_PIDS"):
            Path(os.environ["HASHBENCH_TEST_PIDS"]).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        raise NotImplementedError
