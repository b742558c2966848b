"""The training loop: seeded batches, losses that stay on the device until an epoch is over, checkpoints."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from hashbench.method import RunContext
from hashbench.nets.checkpoints import Checkpoint
from hashbench.nets.schedules import Moment

Values = Mapping[str, Tensor | float]
Batches = Callable[[], Sequence[Tensor]]


def epoch_batches(n: int, size: int, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """A fresh permutation of 0..n-1, int64 on ``device``, in ceil(n / size) parts whose sizes differ by at most 1.

    Equal parts, so that no last batch of one image meets batch norm and none weighs more than another.
    """
    return torch.randperm(n, generator=generator).to(device).tensor_split(-(-n // size))


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
    step: Callable[[Tensor, Moment], Values],
    batches: Batches,
    epochs: int,
    run: RunContext,
    summary: Callable[[dict[str, Tensor | float]], Values],
    checkpoint: Checkpoint | None = None,
) -> None:
    """Call ``step(rows, moment)`` for every batch of every epoch; report each epoch's means once it is over.

    Args:
        step: takes one gradient step on ``rows`` (int64 [B] on the run's device) and returns what to report.
        batches: an epoch's rows, drawn anew at each call.
        epochs: passes over the items.
        run: takes the reports.
        summary: from an epoch's means to what is reported, one number each.
        checkpoint: where the training begins, if something is kept there, and what keeps each epoch's end.

    Raises:
        FloatingPointError: a reported value or a kept weight is not finite; names epoch, value and checkpoint.
    """
    for epoch in range(checkpoint.load() if checkpoint else 0, epochs):
        running = RunningMeans()
        parts = batches()
        for number, rows in enumerate(parts):
            running.add(step(rows, Moment(epoch, epochs, number, len(parts))))
        run.log_epoch(epoch + 1, epochs, **summary(running.means()))
        try:
            _check_finite(run.epochs[-1], checkpoint.nets() if checkpoint else ())
        except FloatingPointError as error:
            kept = f"; {checkpoint}" if checkpoint else ""
            raise FloatingPointError(f"epoch {epoch + 1} of {epochs}: {error}{kept}; a smaller rate may help") from None
        if checkpoint and epoch + 1 < epochs:
            checkpoint.offer(epoch + 1)


def _check_finite(report: Mapping[str, float], nets: Iterable[torch.nn.Module]) -> None:
    for name, value in report.items():
        if not math.isfinite(value):
            raise FloatingPointError(f"{name} is {value}")
    sums = [value.sum() for net in nets for value in net.parameters()]
    if sums and not torch.stack(sums).isfinite().all():
        raise FloatingPointError("weights are not finite")


def with_imbalance(means: dict[str, Tensor | float]) -> Values:
    """An epoch's means with the mean code "code" [bits] replaced by its "imbalance", the mean over bits of |mean|.

    0 says that every bit is balanced over the epoch, 1 that all are constant.
    """
    rest = {name: value for name, value in means.items() if name != "code"}
    return {**rest, "imbalance": torch.as_tensor(means["code"]).abs().mean()}
