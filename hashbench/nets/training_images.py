"""The training images as the networks need them: inputs of the encoder and targets of the generator."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from hashbench.data.images import DECODE_CHUNK_IMAGES, image_batch, resize
from hashbench.method import ImageBatches
from hashbench.nets.augmentation import Augmentation
from hashbench.nets.encoders import ImageEncoder
from hashbench.nets.frozen_layers import FrozenLayers
from hashbench.nets.precision import autocast

DEVICE_CACHE_BYTES = 4 << 30  # largest tensor over all training images that is kept on the device


class EncoderInputs:
    """The inputs of an encoder's trained part for the training images, in any of their views.

    Behind frozen layers these are the layers' maps, computed once and cached on the device where all of them fit in
    4 GiB; otherwise they are computed each time.

    Args:
        encoder: on the device.
        frozen: its leading blocks that are not trained.
        images: of the training set.
        augmentation: their views.
        dtype: what networks compute in.
    """

    def __init__(
        self,
        encoder: ImageEncoder,
        frozen: FrozenLayers,
        images: ImageBatches,
        augmentation: Augmentation,
        dtype: torch.dtype,
    ) -> None:
        self.encoder, self.frozen, self.images, self.dtype = encoder, frozen, images, dtype
        self.augmentation = augmentation
        self.device = encoder.mean.device
        self.cache: Tensor | None = None  # [views * n, ...]
        if len(frozen):
            self._fill_cache()

    def __len__(self) -> int:
        return len(self.images)

    def _fill_cache(self) -> None:
        zero = torch.zeros(1, dtype=torch.int64, device=self.device)
        first = self._maps(self.images[zero], zero, zero)
        size = self.augmentation.count * len(self)
        if size * first.nbytes > DEVICE_CACHE_BYTES:
            return
        cache = first.new_empty(size, *first.shape[1:]).contiguous(memory_format=_memory_format(first))
        for rows, view, maps in self._chunks(self.augmentation.count):
            cache[view * len(self) + rows] = maps
        self.cache = cache

    def _chunks(self, count: int) -> Iterator[tuple[Tensor, int, Tensor]]:
        """Rows, view and inputs of the first ``count`` views of all images, chunk by chunk; an image is read once."""
        chunk = image_batch(self.encoder.size, self.device)
        for rows in torch.split(torch.arange(len(self), device=self.device), chunk):
            images = self.images[rows] if self.cache is None else None
            for view in range(count):
                view_ids = torch.full_like(rows, view)
                maps = self(rows, view_ids) if images is None else self._maps(images, rows, view_ids)
                yield rows, view, maps

    def __call__(self, rows: Tensor, view_ids: Tensor) -> Tensor:
        """Maps of the frozen layers, or normalised images, of the images ``rows`` in their views, int64 [B] each."""
        if self.cache is not None:
            return self.cache[view_ids * len(self) + rows]
        return self._maps(self.images[rows], rows, view_ids)

    def _maps(self, images: Tensor, rows: Tensor, view_ids: Tensor) -> Tensor:
        normalised = self.encoder.normalise(self.augmentation(images, rows, view_ids))
        if not len(self.frozen):
            return normalised
        with autocast(self.dtype, self.device):
            return self.frozen(normalised)

    def features(self) -> Tensor:
        """Float32 [views, n, d]: the whole encoder's features of all images, in eval mode.

        Of the images as they are alone, [1, n, d], where those of all views take more than 4 GiB.
        """
        n, width = len(self), self.encoder.dimension
        count = self.augmentation.count if self.augmentation.count * n * width * 4 <= DEVICE_CACHE_BYTES else 1
        features = torch.empty(count, n, width, device=self.device)
        self.encoder.eval()
        with torch.no_grad(), self.frozen.skipped(), autocast(self.dtype, self.device):
            for rows, view, maps in self._chunks(count):
                features[view, rows] = self.encoder.net(maps).float()
        return features


class GeneratorTargets:
    """The training images at another size, in [0, 1]: what a generator is to reconstruct.

    Resized once and cached as uint8 where they fit in 4 GiB (1,400,000 of 32 px), else batch by batch.
    """

    def __init__(self, images: ImageBatches, size: int, augmentation: Augmentation, device: torch.device) -> None:
        self.images, self.size, self.augmentation = images, size, augmentation
        n = len(images)
        if n * 3 * size**2 <= DEVICE_CACHE_BYTES:
            cache = torch.empty(n, 3, size, size, dtype=torch.uint8, device=device)
            for rows in torch.split(torch.arange(n, device=device), DECODE_CHUNK_IMAGES):
                cache[rows] = resize(images[rows], size)
            self.images = cache

    def __call__(self, rows: Tensor, view_ids: Tensor) -> Tensor:
        """Float [B, 3, size, size] of the images ``rows`` in their views."""
        return self.augmentation(resize(self.images[rows], self.size), rows, view_ids).float() / 255


def _memory_format(maps: Tensor) -> Any:
    channels_last = maps.ndim == 4 and maps.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.contiguous_format
