"""Float features read block by block, so that a memory-mapped file is never loaded whole."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


@runtime_checkable
class FeatureRows(Protocol):
    """Features of n items, computed or read on access."""

    @property
    def dimension(self) -> int:
        """Numbers per item, d."""

    def __len__(self) -> int:
        """The number of items, n."""

    def __getitem__(self, rows: slice) -> Tensor:
        """Float32 [rows, d] on any device, the same numbers each time; the caller must not change them."""


Features = npt.NDArray[Any] | Tensor | FeatureRows


class ArrayRows:
    """The rows of a float array or tensor [n, d].

    Args:
        values: of any float dtype; blocks of it are converted to float32, so a memory-mapped file is not loaded whole.
        name: of the features, for error messages.

    Raises:
        ValueError: another dtype or shape, or no column.
    """

    def __init__(self, values: npt.NDArray[Any] | Tensor, name: str) -> None:
        self.values = values if isinstance(values, Tensor) else np.asarray(values)
        dtype = self.values.dtype
        real = dtype.is_floating_point if isinstance(dtype, torch.dtype) else np.issubdtype(dtype, np.floating)
        if not real or self.values.ndim != 2 or self.values.shape[1] == 0:
            raise ValueError(f"features: {name} is {dtype} {list(self.values.shape)}, wanted float [n, d]")

    @property
    def dimension(self) -> int:
        """Numbers per item."""
        return int(self.values.shape[1])

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Tensor:
        part = self.values[rows]
        if isinstance(part, Tensor):
            return part.detach().float()
        return torch.from_numpy(np.require(part, np.float32, requirements=["C", "W"]))  # torch takes no other


def feature_rows(values: Features, name: str) -> FeatureRows:
    """Rows as they are, arrays and tensors by :class:`ArrayRows`, whose errors it raises."""
    return values if isinstance(values, FeatureRows) else ArrayRows(values, name)


def row_blocks(rows: FeatureRows, step: int, device: torch.device) -> Iterator[tuple[slice, Tensor]]:
    """All rows, ``step`` at a time, as float32 [step, d] on ``device``, each block with its rows."""
    for start in range(0, len(rows), step):
        part = slice(start, min(start + step, len(rows)))
        yield part, rows[part].to(device)
