"""An encoder with a hash head, and the feed that training images reach it through."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from hashbench.data.images import DECODE_CHUNK_IMAGES, image_batch, resize
from hashbench.method import ImageBatches
from hashbench.nets.augmentation import Views
from hashbench.nets.encoders import ImageEncoder
from hashbench.nets.frozen_layers import Trunk
from hashbench.nets.heads import HashHead
from hashbench.nets.precision import autocast

HELD_BYTES = 4 << 30  # of what is made of all training images once and held on the device


class ImageHasher(nn.Module):
    """Uint8 images [n, 3, size, size] to z [n, bits]."""

    def __init__(self, encoder: ImageEncoder, bits: int, hidden: int = 0, centred: bool = True) -> None:
        super().__init__()
        self.encoder, self.bits = encoder, bits
        self.head = HashHead(encoder.dimension, bits, hidden, centred)

    def forward(self, images: Tensor) -> Tensor:
        """Float32 [n, bits]."""
        z: Tensor = self.head(self.encoder(images))
        return z


class Feed:
    """What the trained part of an encoder reads of the training images ``rows`` in some of their versions.

    Behind a trunk that is the trunk's maps, computed once and held on the device where all of them fit in 4 GiB;
    otherwise they are computed each time.

    Args:
        encoder: whose trunk it is; on the device.
        trunk: its leading blocks that are not trained.
        images: of the training set.
        views: the versions of its images.
        dtype: what networks compute in.
    """

    def __init__(
        self, encoder: ImageEncoder, trunk: Trunk, images: ImageBatches, views: Views, dtype: torch.dtype
    ) -> None:
        self.encoder, self.trunk, self.images, self.views, self.dtype = encoder, trunk, images, views, dtype
        self.device = encoder.mean.device
        self.held: Tensor | None = None  # [versions * n, ...]
        if len(trunk):
            self._hold()

    def __len__(self) -> int:
        return len(self.images)

    def _hold(self) -> None:
        one = torch.zeros(1, dtype=torch.int64, device=self.device)
        first = self._maps(self.images[one], one, one)
        size = self.views.count * len(self)
        if size * first.nbytes > HELD_BYTES:
            return
        held = first.new_empty(size, *first.shape[1:]).contiguous(memory_format=_format(first))
        for rows, version, maps in self._all(self.views.count):
            held[version * len(self) + rows] = maps
        self.held = held

    def _all(self, count: int) -> Iterator[tuple[Tensor, int, Tensor]]:
        """Rows, version and maps of the first ``count`` versions of all images, in blocks; an image is read once."""
        block = image_batch(self.encoder.size, self.device)
        for rows in torch.split(torch.arange(len(self), device=self.device), block):
            images = self.images[rows] if self.held is None else None
            for version in range(count):
                versions = torch.full_like(rows, version)
                maps = self(rows, versions) if images is None else self._maps(images, rows, versions)
                yield rows, version, maps

    def __call__(self, rows: Tensor, versions: Tensor) -> Tensor:
        """Maps of the trunk, or normalised pictures, of the images ``rows`` in their ``versions``, int64 [B] each."""
        if self.held is not None:
            return self.held[versions * len(self) + rows]
        return self._maps(self.images[rows], rows, versions)

    def _maps(self, images: Tensor, rows: Tensor, versions: Tensor) -> Tensor:
        pictures = self.encoder.normalise(self.views(images, rows, versions))
        if not len(self.trunk):
            return pictures
        with autocast(self.dtype, self.device):
            return self.trunk(pictures)

    def features(self) -> Tensor:
        """Float32 [versions, n, d]: the whole encoder's features of all images, in eval mode.

        Of the images as they are alone, [1, n, d], where those of all versions take more than 4 GiB.
        """
        n, width = len(self), self.encoder.dimension
        count = self.views.count if self.views.count * n * width * 4 <= HELD_BYTES else 1
        found = torch.empty(count, n, width, device=self.device)
        self.encoder.eval()
        with torch.no_grad(), self.trunk.bypassed(), autocast(self.dtype, self.device):
            for rows, version, maps in self._all(count):
                found[version, rows] = self.encoder.net(maps).float()
        return found


class Pictures:
    """The training images at another size, in [0, 1]: what a generator is to restore.

    Made once and held as uint8 where they fit in 4 GiB (1,400,000 of 32 px), else batch by batch.
    """

    def __init__(self, images: ImageBatches, size: int, views: Views, device: torch.device) -> None:
        self.images, self.size, self.views = images, size, views
        n = len(images)
        if n * 3 * size**2 <= HELD_BYTES:
            held = torch.empty(n, 3, size, size, dtype=torch.uint8, device=device)
            for rows in torch.split(torch.arange(n, device=device), DECODE_CHUNK_IMAGES):
                held[rows] = resize(images[rows], size)
            self.images = held

    def __call__(self, rows: Tensor, versions: Tensor) -> Tensor:
        """Float [B, 3, size, size] of the images ``rows`` in their ``versions``."""
        return self.views(resize(self.images[rows], self.size), rows, versions).float() / 255


def _format(maps: Tensor) -> Any:
    channels_last = maps.ndim == 4 and maps.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.contiguous_format
