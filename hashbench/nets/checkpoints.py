"""Checkpoints: networks, optimisers, random generators and logs at the end of an epoch."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from hashbench.method import RunContext
from hashbench.util.files import replacing

CHECKPOINT_FILE = "training.pt"
MAX_SAVE_FRACTION = 0.1  # of the training's time


class Stateful(Protocol):
    """A network or an optimiser."""

    def state_dict(self) -> dict[str, Any]:  # noqa: D102 - torch's
        ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:  # noqa: D102 - torch's
        ...


class Checkpoint:
    """A training's whole state in one file of the run's checkpoint folder; without a folder nothing is saved.

    A training that resumes ends with the same weights as one that was never stopped, on the same machine: everything
    random comes from the run's generator and torch's global ones, whose states are saved too. (On a GPU only where no
    layer's gradient is summed in varying order, as that of adaptive pooling to a side that does not divide its
    input's.) The folder belongs to one trial and its sources, so a file in it never meets another network. A
    checkpoint from another kind of device is not used: half of the training on each could be repeated on neither.

    Args:
        run: gives the folder and the generator, holds the logs.
        parts: networks and optimisers by name.

    Raises:
        RuntimeError: the file is damaged.
    """

    def __init__(self, run: RunContext, parts: Mapping[str, Stateful]) -> None:
        self.run, self.parts = run, parts
        self.file: Path | None = run.checkpoint / CHECKPOINT_FILE if run.checkpoint else None
        self.device = f"{run.device.type}, {str(run.dtype).removeprefix('torch.')}"
        self.saved_epochs: int | None = None  # epochs done when the file was written
        self.next_save = 0.0  # on the monotonic clock
        self.content: dict[str, Any] | None = self._read()

    def nets(self) -> list[nn.Module]:
        """The parts that are networks."""
        return [part for part in self.parts.values() if isinstance(part, nn.Module)]

    def exists(self) -> bool:
        """Whether there is a checkpoint that this run can resume from."""
        return self.content is not None

    def _read(self) -> dict[str, Any] | None:
        if self.file is None or not self.file.is_file():
            return None
        try:
            content: dict[str, Any] = torch.load(self.file, map_location=self.run.device, weights_only=True)
            device = content["device"]
        except Exception as error:  # damaged files make torch raise errors of many kinds
            raise RuntimeError(f"checkpoint {self.file} is damaged ({type(error).__name__}); remove it") from error
        if device != self.device:
            self.run.log_fact(checkpoint_left_aside=f"made on {device}")
            return None
        return content

    def load(self) -> int:
        """Restore the saved state; returns the number of epochs done, 0 where there is no checkpoint."""
        if self.content is None:
            return 0
        content, self.content = self.content, None
        for name, part in self.parts.items():
            part.load_state_dict(content["parts"][name])
        self.run.generator.set_state(content["generator"].cpu())
        torch.set_rng_state(content["torch"].cpu())
        if self.run.device.type == "cuda":
            torch.cuda.set_rng_state(content["cuda"].cpu(), self.run.device)
        self.run.epochs[:] = content["epochs"]
        self.run.log_fact(**content["facts"])
        self.saved_epochs = int(content["done"])
        self.run.log_fact(resumed_after_epoch=float(self.saved_epochs))
        return self.saved_epochs

    def offer(self, done: int) -> None:
        """Save the state after ``done`` epochs, unless saving would take more than a tenth of the time."""
        if self.file is None or time.monotonic() < self.next_save:
            return
        start = time.monotonic()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        cuda = self.run.device.type == "cuda"
        with replacing(self.file) as work:
            torch.save(
                {
                    "done": done,
                    "parts": {name: part.state_dict() for name, part in self.parts.items()},
                    "generator": self.run.generator.get_state(),
                    "torch": torch.get_rng_state(),
                    "cuda": torch.cuda.get_rng_state(self.run.device) if cuda else None,
                    "epochs": list(self.run.epochs),
                    "facts": dict(self.run.facts),
                    "device": self.device,
                },
                work,
            )
        self.saved_epochs = done
        end = time.monotonic()
        self.next_save = end + (end - start) / MAX_SAVE_FRACTION

    def __str__(self) -> str:
        if self.file is None or self.saved_epochs is None:
            return "there is no checkpoint"
        path = Path(*self.file.parts[-3:])  # from the result folder: checkpoints/KEY/training.pt
        return f"the last good checkpoint is {path}, after epoch {self.saved_epochs}"
