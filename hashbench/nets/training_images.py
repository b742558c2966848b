"""The training images as the networks need them: inputs of the encoder and targets of the generator."""

from contextlib import closing

import torch
from torch import Tensor

from hashbench.data.images import DECODE_CHUNK_IMAGES, image_batch, resize
from hashbench.method import ImageBatches, MapBatches
from hashbench.nets.augmentation import Augmentation
from hashbench.nets.encoders import ImageEncoder
from hashbench.nets.precision import autocast
from hashbench.nets.training_batches import Batch, EpochBatches
from hashbench.util.device import held_bytes

DEVICE_CACHE_BYTES = 4 << 30  # largest tensor over all training images that is kept, on a GPU of the pictures more


class EncoderInputs:
    """The inputs of an encoder's trained part for the training images, in any of their views.

    Args:
        encoder: on the device.
        images: of the training set.
        augmentation: their views.
        dtype: what networks compute in.
        maps: of the encoder's frozen blocks in these views, where it has any.
    """

    def __init__(
        self,
        encoder: ImageEncoder,
        images: ImageBatches,
        augmentation: Augmentation,
        dtype: torch.dtype,
        maps: MapBatches | None = None,
    ) -> None:
        self.encoder, self.images, self.dtype, self.maps = encoder, images, dtype, maps
        self.augmentation = augmentation
        self.device = encoder.mean.device

    def __len__(self) -> int:
        return len(self.images)

    @property
    def maps_to_read(self) -> MapBatches | None:
        """The maps, where each batch of them is read."""
        return self.maps if self.maps is not None and self.maps.held is None else None

    @property
    def images_to_read(self) -> ImageBatches | None:
        """The images, where each batch of them is wanted and read."""
        return self.images if self.maps is None and not isinstance(self.images, Tensor) else None

    def __call__(self, batch: Batch) -> Tensor:
        """Maps of the frozen blocks, or normalised images, of a batch in its views."""
        if self.maps is not None:
            return self.maps(batch.rows, batch.view_ids) if batch.maps is None else batch.maps
        images = self.images[batch.rows] if batch.images is None else batch.images
        return self.encoder.inputs(self.augmentation(images, batch.rows, batch.view_ids))

    def features(self) -> Tensor:
        """Float32 [views, n, d]: the whole encoder's features of all images, in eval mode.

        Of the images as they are alone, [1, n, d], where those of all views take more than 4 GiB, on every device:
        the neighbourhoods must not hang on a GPU's memory.
        """
        n, width = len(self), self.encoder.dimension
        count = self.augmentation.count if self.augmentation.count * n * width * 4 <= DEVICE_CACHE_BYTES else 1
        features = torch.empty(count, n, width, device=self.device)
        together = 1 if self.maps is not None else count  # views of images that are read once
        parts = torch.split(torch.arange(n, device=self.device), image_batch(self.encoder.size, self.device))
        rows = [part for part in parts for _ in range(0, count, together)]
        first = [torch.full_like(part, view) for part in parts for view in range(0, count, together)]
        read = EpochBatches(rows, first, self.maps_to_read, self.images_to_read, self.device)
        self.encoder.eval()
        with torch.no_grad(), autocast(self.dtype, self.device), closing(iter(read)) as batches:
            for batch in batches:
                for view in range(together):
                    viewed = batch._replace(view_ids=batch.view_ids + view)
                    features[viewed.view_ids, batch.rows] = self.encoder.trained_part(self(viewed)).float()
        return features


class GeneratorTargets:
    """The training images at another size, in [0, 1]: what a generator is to reconstruct.

    Resized once and cached as uint8 where they fit in 4 GiB (1,400,000 of 32 px), or in a third of a GPU's free
    memory, else batch by batch.
    """

    def __init__(self, images: ImageBatches, size: int, augmentation: Augmentation, device: torch.device) -> None:
        self.images, self.size, self.augmentation = images, size, augmentation
        n = len(images)
        if n * 3 * size**2 <= held_bytes(device, DEVICE_CACHE_BYTES):
            cache = torch.empty(n, 3, size, size, dtype=torch.uint8, device=device)
            chunk = DECODE_CHUNK_IMAGES if device.type == "cpu" else image_batch(size, device)
            for rows in torch.split(torch.arange(n, device=device), chunk):
                cache[rows] = resize(images[rows], size)
            self.images = cache

    @property
    def images_to_read(self) -> ImageBatches | None:
        """The images at their own size, where each batch of them is read."""
        return self.images if not isinstance(self.images, Tensor) else None

    def __call__(self, batch: Batch) -> Tensor:
        """Float [B, 3, size, size] of a batch in its views."""
        read = batch.images if self.images_to_read is not None else None
        images = resize(self.images[batch.rows] if read is None else read, self.size)
        return self.augmentation(images, batch.rows, batch.view_ids).float() / 255
