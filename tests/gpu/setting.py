"""How large a run is, and on which device."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Setting:
    """Sizes of a run.

    Attributes:
        device: where everything runs that is compared with the CPU, and is timed.
        tiny: sizes that a laptop's CPU takes a minute for, to see that all of it works.
        folder: for what the run leaves behind.
    """

    device: torch.device
    tiny: bool
    folder: Path

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"

    def size(self, full: int, tiny: int) -> int:
        """A number that a tiny run has smaller."""
        return tiny if self.tiny else full

    def wait(self) -> None:
        """Return when the device has done what it was given."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def seconds(self, step: Callable[[], object], rounds: int = 5) -> float:
        """The median time of a step, after one that warms up."""
        times = []
        for _ in range(1 if self.tiny else rounds + 1):
            self.wait()
            start = time.perf_counter()
            step()
            self.wait()
            times.append(time.perf_counter() - start)
        times = times[1:] or times
        return sorted(times)[len(times) // 2]
