"""The training loop: seeded batches, losses that stay on the device until an epoch is over."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from hashbench.method import RunContext

Values = Mapping[str, Tensor | float]


def epoch_batches(n: int, size: int, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """A fresh permutation of 0..n-1, int64 on ``device``, in ceil(n / size) parts whose sizes differ by at most 1.

    Equal parts, so that no last batch of one image meets batch norm and none weighs more than another.
    """
    return torch.randperm(n, generator=generator).to(device).tensor_split(-(-n // size))


def stage(values: Sequence[float], epoch: int, epochs: int) -> float:
    """The value that holds in ``epoch`` (0-based) when ``epochs`` are cut into as many stages as there are values."""
    return values[epoch * len(values) // epochs]


class RunningMeans:
    """Means over the batches of an epoch, kept on the device: adding one does not wait for it."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor | float] = {}
        self.count = 0

    def add(self, values: Values) -> None:
        """Count one batch; tensors are detached and may have any shape, the same in every batch."""
        for name, value in values.items():
            held = value.detach().float() if isinstance(value, Tensor) else value
            self.sums[name] = self.sums.get(name, 0.0) + held
        self.count += 1

    def means(self) -> dict[str, Tensor | float]:
        """The mean of each value over the batches."""
        return {name: total / self.count for name, total in self.sums.items()}


def run_epochs(
    step: Callable[[Tensor, int], Values],
    n: int,
    batch: int,
    epochs: int,
    run: RunContext,
    summary: Callable[[dict[str, Tensor | float]], Values],
) -> None:
    """Call ``step(rows, epoch)`` for every batch of every epoch; report each epoch's means once it is over.

    Args:
        step: takes one gradient step on ``rows`` (int64 [B] on the run's device) and returns what to report.
        n: number of training items.
        batch: most items per step.
        epochs: passes over the items.
        run: gives device and generator, takes the reports.
        summary: from an epoch's means to what is reported, one number each.

    Raises:
        FloatingPointError: a reported value is not finite.
    """
    for epoch in range(epochs):
        running = RunningMeans()
        for rows in epoch_batches(n, batch, run.generator, run.device):
            running.add(step(rows, epoch))
        run.epoch(epoch + 1, epochs, **summary(running.means()))
        for name, value in run.epochs[-1].items():
            if not math.isfinite(value):
                raise FloatingPointError(f"epoch {epoch + 1} of {epochs}: {name} is {value}; a smaller rate may help")


def with_imbalance(means: dict[str, Tensor | float]) -> Values:
    """An epoch's means with the mean code "code" [bits] replaced by its "imbalance", the mean over bits of |mean|.

    0 says that every bit is balanced over the epoch, 1 that all are constant.
    """
    rest = {name: value for name, value in means.items() if name != "code"}
    return {**rest, "imbalance": torch.as_tensor(means["code"]).abs().mean()}
