"""Arrays in memory as a method's input: converted, resized and moved to a device some items at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.data.images import resize, three_channels
from hashbench.errors import UsageError
from hashbench.execution.training_data import MAX_CACHED_IMAGE_BYTES
from hashbench.method import ImageBatches
from hashbench.util.arrays import check_unmasked
from hashbench.util.device import held_bytes, uploaded

Array = npt.NDArray[Any] | Tensor

CHUNK_NUMBERS = 1 << 22  # converted at a time


class ArrayFeatures:
    """Float features of n items.

    Args:
        name: what messages call them.
        values: numbers [n, d] of any type, in memory or memory-mapped.

    Raises:
        UsageError: another shape or kind of value.
    """

    def __init__(self, name: str, values: Array) -> None:
        self.name, self.values = name, _plain(values)
        if self.values.ndim != 2 or not _is_real(self.values):
            raise UsageError(f"{name}: got {_kind(self.values)}, wanted float features [n, d]")

    @property
    def width(self) -> int:
        """Numbers per item."""
        return int(self.values.shape[1])

    def __len__(self) -> int:
        return len(self.values)

    def batches(self, rows: int, device: torch.device) -> Iterator[Tensor]:
        """Float32 [rows, d] of all items, copied to ``device``.

        Raises:
            UsageError: one is NaN or infinite; names its row.
        """
        for part in _parts(len(self), rows):
            batch = _copied(self.values[part]).to(torch.float32)
            finite = torch.isfinite(batch).all(dim=1)
            if not bool(finite.all()):
                row = part.start + int(finite.logical_not().nonzero()[0])
                raise UsageError(
                    f"{self.name}: row {row} has NaN or infinite values, wanted finite numbers (in float32); "
                    "take such items out"
                )
            yield uploaded(batch, device)

    def load_all(self, device: torch.device) -> Tensor:
        """All items, float32 [n, d] on ``device``, which are nobody else's."""
        rows = max(1, CHUNK_NUMBERS // max(1, self.width))
        return _filled((len(self), self.width), torch.float32, self.batches(rows, device), device)


class ArrayImages:
    """Images of n items, resized when they are read; ``images[rows]`` as :class:`hashbench.method.ImageBatches` has it.

    Args:
        name: what messages call them.
        values: uint8 [n, 1 or 3, h, w], in memory or memory-mapped.
        size: side in pixels of what is read.

    Raises:
        UsageError: another shape or kind of value.
    """

    width = 3  # channels, whatever was given

    def __init__(self, name: str, values: Array, size: int) -> None:
        self.name, self.values, self.size = name, _plain(values), size
        channels = self.values.shape[1] if self.values.ndim == 4 else 0
        if self.values.dtype not in (np.uint8, torch.uint8) or channels not in (1, 3):
            raise UsageError(f"{name}: got {_kind(self.values)}, wanted uint8 images [n, 1 or 3, h, w]")

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Tensor) -> Tensor:
        """Uint8 [len(rows), 3, size, size] on the device of ``rows``."""
        order = rows.to(self.values.device) if isinstance(self.values, Tensor) else rows.cpu().numpy()
        parts = (self._resized(self.values[order[part]]) for part in _parts(len(rows), self._chunk()))
        return _filled((len(rows), *self._shape()), torch.uint8, parts, rows.device)

    def batches(self, rows: int, device: torch.device) -> Iterator[Tensor]:
        """Uint8 [rows, 3, size, size] of all items on ``device``."""
        for part in _parts(len(self), rows):
            chunks = (part.start + start for start in range(0, max(1, part.stop - part.start), self._chunk()))
            parts = (self._resized(self.values[start : min(part.stop, start + self._chunk())]) for start in chunks)
            yield _filled((part.stop - part.start, *self._shape()), torch.uint8, parts, device)

    def as_given(self, rows: npt.NDArray[np.int64]) -> Tensor:
        """Some images at their own size, uint8 [len(rows), c, h, w], in memory of their own."""
        return _copied(self.values[torch.from_numpy(rows) if isinstance(self.values, Tensor) else rows])

    def for_training(self, device: torch.device) -> ImageBatches:
        """Held on ``device`` when they fit in 4 GiB, or in a third of a GPU's free memory, as nobody else's.

        Else this, which resizes batch by batch.
        """
        if len(self) * 3 * self.size**2 > held_bytes(device, MAX_CACHED_IMAGE_BYTES):
            return self
        return next(self.batches(max(1, len(self)), device))

    def pixels(self, device: torch.device) -> Tensor:
        """The pixels as they were given, float32 [n, c * h * w] in [0, 1] on ``device``."""
        width = int(np.prod(self.values.shape[1:]))
        rows = max(1, CHUNK_NUMBERS // max(1, width))
        parts = (_copied(self.values[part]).flatten(1).float().div_(255) for part in _parts(len(self), rows))
        return _filled((len(self), width), torch.float32, parts, device)

    def _shape(self) -> tuple[int, int, int]:
        return 3, self.size, self.size

    def _chunk(self) -> int:
        """How many images are resized at a time, in float32."""
        return max(1, CHUNK_NUMBERS // max(1, int(np.prod(self.values.shape[1:])), 3 * self.size**2))

    def _resized(self, images: Array) -> Tensor:
        return three_channels(resize(_copied(images), self.size))


def _plain(values: Array) -> Array:
    check_unmasked(values)
    return values.detach() if isinstance(values, Tensor) else np.asarray(values)


def _is_real(values: Array) -> bool:
    if isinstance(values, Tensor):
        return values.dtype != torch.bool and not values.is_complex()
    return values.dtype.kind in "iuf"


def _kind(values: Array) -> str:
    return f"{values.dtype} {list(values.shape)}"


def _copied(part: Array) -> Tensor:
    """A tensor of some items in memory of its own: a method may change it, and torch warns of read-only arrays."""
    return part.clone() if isinstance(part, Tensor) else torch.from_numpy(_native(np.array(part)))


def _native(part: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """In a type that torch knows: not of another byte order, not longer than double."""
    if part.dtype.kind == "f" and part.dtype.itemsize > 8:
        return part.astype(np.float64)
    return part.astype(part.dtype.newbyteorder("="), copy=False)


def _parts(items: int, step: int) -> Iterator[slice]:
    """Slices of at most ``step`` items; an empty one where there are none."""
    for start in range(0, max(1, items), step):
        yield slice(start, min(items, start + step))


def _filled(shape: tuple[int, ...], dtype: torch.dtype, parts: Iterator[Tensor], device: torch.device) -> Tensor:
    """All parts, one behind the other, on ``device``."""
    result, start = torch.empty(shape, dtype=dtype, device=device), 0
    for part in parts:
        result[start : start + len(part)] = uploaded(part, device)
        start += len(part)
    return result
