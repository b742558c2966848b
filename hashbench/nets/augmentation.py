"""Augmentation: each training image as it is, mirrored and shifted."""

from typing import Self

import torch
from torch import Tensor

from hashbench.util.seeds import derive_seed


def constant_views(n: int, count: int, flip: bool, shift: float) -> Tensor:
    """The parameters of :class:`Augmentation`, [count, n, 3], whatever the seed: they hang on item and view alone."""
    generators = (torch.Generator().manual_seed(derive_seed(0, "view", view)) for view in range(count))
    return _affine_params(torch.stack([torch.rand(n, 3, generator=own) for own in generators]), flip, shift)


def _affine_params(draws: Tensor, flip: bool, shift: float) -> Tensor:
    affine_params = (draws * 2 - 1) * shift
    affine_params[..., 0] = torch.where(draws[..., 0] < 0.5, -1.0, 1.0) if flip else 1.0
    affine_params[0] = torch.tensor([1.0, 0.0, 0.0])
    return affine_params


class Augmentation:
    """Views of each of n images; view 0 is the image itself.

    The others are mirrored with probability 1/2 and shifted by up to a share of the side, edge pixels repeated. The
    same draw serves images of the same items at several sizes.

    Args:
        affine_params: [count, n, 3]: mirror (-1 or 1), and how far below and to the right of its own place a pixel of
            the view is taken from, as shares of the side.
        generator: on the CPU, to draw views from.
        device: where images are.
    """

    def __init__(self, affine_params: Tensor, generator: torch.Generator, device: torch.device) -> None:
        self.count, self.generator = len(affine_params), generator
        self.affine_params = affine_params.to(device)

    @classmethod
    def drawn(
        cls, n: int, count: int, flip: bool, shift: float, generator: torch.Generator, device: torch.device
    ) -> Self:
        """Views drawn now.

        Args:
            n: number of images.
            count: views of each, 1 or more.
            flip: whether views may be mirrored.
            shift: their largest shift in either direction, a share of the side from 0 to below 1.
            generator: on the CPU.
            device: where images are.
        """
        return cls(_affine_params(torch.rand(count, n, 3, generator=generator), flip, shift), generator, device)

    def draw(self, n: int) -> Tensor:
        """A random view id for each of ``n`` images of a batch, int64 on the device."""
        drawn = torch.randint(0, self.count, (n,), generator=self.generator)
        return drawn.to(self.affine_params.device, non_blocking=True)

    def __call__(self, images: Tensor, rows: Tensor, view_ids: Tensor) -> Tensor:
        """Views of ``images`` [B, c, h, w], of any dtype, those of the items ``rows``; ``view_ids`` int64 [B]."""
        if self.count == 1:
            return images
        n, channels, height, width = images.shape
        mirror, down, right = self.affine_params[view_ids, rows].unbind(1)
        ys, xs = _sources(height, down, torch.ones_like(down)), _sources(width, right, mirror)
        source = (ys[:, :, None] * width + xs[:, None, :]).view(n, 1, -1).expand(-1, channels, -1)
        return images.flatten(2).gather(2, source).view(images.shape)


def _sources(size: int, shift: Tensor, mirror: Tensor) -> Tensor:
    """Int64 [n, size]: the index that each row or column of a view is copied from."""
    forward = torch.arange(size, device=shift.device)
    index = torch.where(mirror[:, None] > 0, forward, size - 1 - forward)
    return (index + (shift * size).round().long()[:, None]).clamp_(0, size - 1)
