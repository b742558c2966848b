"""An encoder with a hash head, and the feed that training images reach it through."""

from typing import Any

import torch
from torch import Tensor, nn

from hashbench.images import DECODED, image_batch, resize
from hashbench.method import ImageBatches
from hashbench.nets.encoders import ImageEncoder
from hashbench.nets.heads import HashHead
from hashbench.nets.precision import autocast
from hashbench.nets.trunks import Trunk
from hashbench.nets.views import Views

HELD_BYTES = 4 << 30  # of a frozen trunk's maps of all training images in all versions


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
        first = self._maps(one, one)
        if self.views.count * len(self) * first.nbytes > HELD_BYTES:
            return
        maps = torch.cat([self._maps(rows, versions) for rows, versions in self._blocks()])
        self.held = maps.contiguous(memory_format=_format(first))

    def _blocks(self) -> list[tuple[Tensor, Tensor]]:
        """Rows and versions of all images, one version after the other, in blocks."""
        rows = torch.arange(len(self), device=self.device)
        block = image_batch(self.encoder.size, self.device)
        return [
            (part, torch.full_like(part, version))
            for version in range(self.views.count)
            for part in torch.split(rows, block)
        ]

    def __call__(self, rows: Tensor, versions: Tensor) -> Tensor:
        """Maps of the trunk, or normalised pictures, of the images ``rows`` in their ``versions``, int64 [B] each."""
        return self._maps(rows, versions) if self.held is None else self.held[versions * len(self) + rows]

    def _maps(self, rows: Tensor, versions: Tensor) -> Tensor:
        pictures = self.encoder.normalise(self.views(self.images[rows], rows, versions))
        if not len(self.trunk):
            return pictures
        with autocast(self.dtype, self.device):
            return self.trunk(pictures)

    def features(self) -> Tensor:
        """Float32 [versions, n, d]: the whole encoder's features of all images, in eval mode."""
        self.encoder.eval()
        with torch.no_grad(), self.trunk.bypassed(), autocast(self.dtype, self.device):
            found = torch.cat([self.encoder.net(self(*block)).float() for block in self._blocks()])
        return found.view(self.views.count, len(self), -1)


class Pictures:
    """The training images at another size, in [0, 1]: what a generator is to restore.

    Made once and held as uint8 where the images themselves are held, else batch by batch.
    """

    def __init__(self, images: ImageBatches, size: int, views: Views) -> None:
        self.images, self.size, self.views = images, size, views
        if isinstance(images, Tensor):
            self.images = torch.cat([resize(part, size) for part in torch.split(images, DECODED)])

    def __call__(self, rows: Tensor, versions: Tensor) -> Tensor:
        """Float [B, 3, size, size] of the images ``rows`` in their ``versions``."""
        return self.views(resize(self.images[rows], self.size), rows, versions).float() / 255


def _format(maps: Tensor) -> Any:
    channels_last = maps.ndim == 4 and maps.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.contiguous_format
