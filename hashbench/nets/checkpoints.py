"""What a killed training resumes from: nets, optimisers, random generators and reports as an epoch left them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from hashbench.method import RunContext
from hashbench.util.files import replacing

FILE = "training.pt"
SHARE = 0.1  # of the training's time that saving may take


class Stateful(Protocol):
    """A net or an optimiser."""

    def state_dict(self) -> dict[str, Any]:  # noqa: D102 - torch's
        ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:  # noqa: D102 - torch's
        ...


class Checkpoint:
    """A training's whole state in one file of the run's checkpoint folder; without a folder nothing is kept.

    A training that resumes ends with the same weights as one that was never stopped, on the same machine: everything
    random comes from the run's generator and torch's global ones, whose states are kept as well. (On a GPU only where
    a network has no layer whose gradient torch sums in any order, as adaptive pooling to a side that does not divide
    its input's.) The folder belongs to one trial and its sources, so a file in it never meets another net. What was
    kept on another kind of device is not taken up: half a training on each would be a third thing.

    Args:
        run: gives the folder and the generator, holds the reports.
        parts: nets and optimisers by name.

    Raises:
        RuntimeError: the file is damaged.
    """

    def __init__(self, run: RunContext, parts: Mapping[str, Stateful]) -> None:
        self.run, self.parts = run, parts
        self.file: Path | None = run.checkpoint / FILE if run.checkpoint else None
        self.place = f"{run.device.type}, {str(run.dtype).removeprefix('torch.')}"
        self.kept: int | None = None  # epochs that were over when the file was written
        self.due = 0.0
        self.found: dict[str, Any] | None = self._read()

    def nets(self) -> list[nn.Module]:
        """The parts that are nets."""
        return [part for part in self.parts.values() if isinstance(part, nn.Module)]

    def exists(self) -> bool:
        """Whether something is kept that this run can go on from."""
        return self.found is not None

    def _read(self) -> dict[str, Any] | None:
        if self.file is None or not self.file.is_file():
            return None
        try:
            kept: dict[str, Any] = torch.load(self.file, map_location=self.run.device, weights_only=True)
            place = kept["place"]
        except Exception as error:  # damaged files make torch raise errors of many kinds
            raise RuntimeError(f"checkpoint {self.file} is damaged ({type(error).__name__}); remove it") from error
        if place != self.place:
            self.run.log_fact(checkpoint_left_aside=f"made on {place}")
            return None
        return kept

    def load(self) -> int:
        """Put everything back as it was kept; answers how many epochs are over, 0 where nothing is kept."""
        if self.found is None:
            return 0
        kept, self.found = self.found, None
        for name, part in self.parts.items():
            part.load_state_dict(kept["parts"][name])
        self.run.generator.set_state(kept["generator"].cpu())
        torch.set_rng_state(kept["torch"].cpu())
        if self.run.device.type == "cuda":
            torch.cuda.set_rng_state(kept["cuda"].cpu(), self.run.device)
        self.run.epochs[:] = kept["epochs"]
        self.run.log_fact(**kept["facts"])
        self.kept = int(kept["done"])
        self.run.log_fact(resumed_after_epoch=float(self.kept))
        return self.kept

    def offer(self, done: int) -> None:
        """Keep the state after ``done`` epochs, unless saving would take more than a tenth of the time."""
        if self.file is None or time.monotonic() < self.due:
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
                    "place": self.place,
                },
                work,
            )
        self.kept = done
        end = time.monotonic()
        self.due = end + (end - start) / SHARE

    def __str__(self) -> str:
        if self.file is None or self.kept is None:
            return "there is no checkpoint"
        place = Path(*self.file.parts[-3:])  # from the result folder: checkpoints/KEY/training.pt
        return f"the last good checkpoint is {place}, after epoch {self.kept}"
