"""The batches of a training epoch: what no device holds of them is read ahead of their steps."""

from collections.abc import Generator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hashbench.method import ImageBatches, MapBatches
from hashbench.util.prefetch import prefetch_to


class Batch(NamedTuple):
    """Training images of a step, with what was read of them before it.

    Attributes:
        rows, view_ids: int64 [B] each on the device: which images, in which of their views.
        maps: of the encoder's frozen blocks, float16 [B, c, h, w], if they were read.
        images: as they are, uint8 [B, 3, size, size], if they were read.
    """

    rows: Tensor
    view_ids: Tensor
    maps: Tensor | None = None
    images: Tensor | None = None


class EpochBatches:
    """An epoch's batches in order; what has to be read is read in a thread while the batch before is trained on.

    Rows and views come drawn, so that the thread draws nothing and its pace changes no result.

    Args:
        rows, view_ids: int64 [B] of each batch on the device.
        maps, images: what is read of each batch; None for what is not wanted or lies on the device.
        device: where batches are wanted.
    """

    def __init__(
        self,
        rows: Sequence[Tensor],
        view_ids: Sequence[Tensor],
        maps: MapBatches | None,
        images: ImageBatches | None,
        device: torch.device,
    ) -> None:
        self.rows, self.view_ids, self.maps, self.images, self.device = rows, view_ids, maps, images, device

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Generator[Batch, None, None]:
        reads = self.maps is not None or self.images is not None
        return prefetch_to(self._batches(), self.device) if reads else self._batches()

    def _batches(self) -> Generator[Batch, None, None]:
        for rows, view_ids in zip(self.rows, self.view_ids, strict=True):
            yield Batch(
                rows,
                view_ids,
                self.maps(rows, view_ids) if self.maps is not None else None,
                self.images[rows] if self.images is not None else None,
            )
