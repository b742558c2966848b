"""Batches that are halved where a device's memory does not hold what they take."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hashbench.util.device import out_of_memory
from hashbench.util.progress import Log, no_log


class Halving:
    """Calls functions on batches; where memory runs out, on halves of them, and so with the batches that follow.

    The results of items must not depend on their batch.

    Args:
        what: is done, for the line that is logged once.
        log: gets it.
    """

    def __init__(self, what: str, log: Log = no_log) -> None:
        self.what, self.log = what, log
        self.most: int | None = None
        self._said = False

    def __call__(self, function: Callable[[Any], Tensor], batch: Any) -> list[Tensor]:
        """What the function returns for the whole batch, or for parts of it one after the other.

        Args:
            function: takes a part of the batch.
            batch: a tensor or a list.

        Raises:
            torch.OutOfMemoryError: memory does not hold what a single item takes; or what else says so on a CPU.
        """
        results: list[Tensor] = []
        start, most = 0, self.most or len(batch)
        while start < len(batch) or not results:  # a batch without items has results of none
            part = batch[start : start + most]
            if (result := _tried(function, part)) is None:
                most = self.most = len(part) // 2
                torch.cuda.empty_cache()
                continue
            results.append(result)
            start += len(part)
        if self.most is not None and not self._said:
            self._said = True
            self.log(f"{self.what}: no memory on the device for {len(batch):,} at a time, so it takes {self.most:,}")
        return results


def _tried(function: Callable[[Any], Tensor], part: Any) -> Tensor | None:
    """What the function returns; None where memory ran out, of which nothing is held any more."""
    try:
        return function(part)
    except Exception as error:
        if len(part) <= 1 or not out_of_memory(error):
            raise
        return None
