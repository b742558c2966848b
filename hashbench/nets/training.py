"""The training loop: seeded batches, losses that stay on the device until the end of an epoch, checkpoints."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from hashbench.method import RunContext
from hashbench.nets.checkpoints import Checkpoint
from hashbench.nets.schedules import TrainingStep

Values = Mapping[str, Tensor | float]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Batches(Protocol[T_co]):
    """An epoch's batches in order, and how many there are."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[T_co]: ...


def epoch_batches(n: int, size: int, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """A fresh permutation of 0..n-1, int64 on ``device``, in ceil(n / size) parts whose sizes differ by at most 1.

    Equal parts, so that batch norm never gets a last batch of one image and none weighs more than another.
    """
    return torch.randperm(n, generator=generator).to(device).tensor_split(-(-n // size))


class RunningMeans:
    """Means over the batches of an epoch, kept on the device: adding a batch does not synchronise."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor | float] = {}
        self.count = 0

    def add(self, values: Values) -> None:
        """Add one batch; tensors are detached and may have any shape, the same in every batch."""
        for name, value in values.items():
            addend = value.detach().float() if isinstance(value, Tensor) else value
            self.sums[name] = self.sums.get(name, 0.0) + addend
        self.count += 1

    def means(self) -> dict[str, Tensor | float]:
        """The mean of each value over the batches."""
        return {name: total / self.count for name, total in self.sums.items()}


def run_epochs(
    step: Callable[[T, TrainingStep], Values],
    batches: Callable[[], Batches[T]],
    epochs: int,
    run: RunContext,
    summary: Callable[[dict[str, Tensor | float]], Values],
    checkpoint: Checkpoint | None = None,
) -> None:
    """Call ``step(batch, training_step)`` for every batch of every epoch, and log each epoch's means at its end.

    Args:
        step: takes one gradient step on a batch and returns values to log.
        batches: returns an epoch's batches, drawn anew at each call; they are closed when a step ends by an exception.
        epochs: passes over the items.
        run: gets the logs.
        summary: from an epoch's means to the values that are logged, one number each.
        checkpoint: to resume from, where it exists, and to save the end of each epoch in.

    Raises:
        FloatingPointError: a logged value or a weight is not finite; names epoch, value and checkpoint.
    """
    for epoch in range(checkpoint.load() if checkpoint else 0, epochs):
        running = RunningMeans()
        of_epoch = batches()
        with closing(_each(of_epoch)) as each:
            for number, batch in enumerate(each):
                running.add(step(batch, TrainingStep(epoch, epochs, number, len(of_epoch))))
        run.log_epoch(epoch + 1, epochs, **summary(running.means()))
        try:
            _check_finite(run.epochs[-1], checkpoint.nets() if checkpoint else ())
        except FloatingPointError as error:
            resume = f"; {checkpoint}" if checkpoint else ""
            raise FloatingPointError(
                f"epoch {epoch + 1} of {epochs}: {error}{resume}; a smaller rate may help"
            ) from None
        if checkpoint and epoch + 1 < epochs:
            checkpoint.offer(epoch + 1)


def _each(batches: Iterable[T]) -> Generator[T, None, None]:
    """The batches; closed with it, their iterator ends the thread that it may read ahead in."""
    yield from batches


def _check_finite(report: Mapping[str, float], nets: Iterable[torch.nn.Module]) -> None:
    for name, value in report.items():
        if not math.isfinite(value):
            raise FloatingPointError(f"{name} is {value}")
    sums = [value.sum() for net in nets for value in net.parameters()]
    if sums and not torch.stack(sums).isfinite().all():
        raise FloatingPointError("weights are not finite")


def with_imbalance(means: dict[str, Tensor | float]) -> Values:
    """An epoch's means with the mean code "code" [bits] replaced by its "imbalance", the mean over bits of |mean|.

    0 means that every bit is balanced over the epoch, 1 that all are constant.
    """
    others = {name: value for name, value in means.items() if name != "code"}
    return {**others, "imbalance": torch.as_tensor(means["code"]).abs().mean()}
