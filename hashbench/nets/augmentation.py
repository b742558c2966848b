"""Versions of the training images: each as it is, and mirrored and shifted at random."""

import torch
from torch import Tensor


class Views:
    """``count`` versions of each of ``n`` images; the first is the image itself.

    The others are drawn once: mirrored with odds of a half and shifted by up to a share of the side, edge pixels
    repeated. One draw serves pictures of the same items at several sizes.

    Args:
        n: number of images.
        count: versions of each, 1 or more.
        flip: whether the others may be mirrored.
        shift: their largest shift in either direction, a share of the side from 0 to below 1.
        generator: on the CPU.
        device: where pictures are.
    """

    def __init__(
        self, n: int, count: int, flip: bool, shift: float, generator: torch.Generator, device: torch.device
    ) -> None:
        self.count, self.generator = count, generator
        draws = torch.rand(count, n, 3, generator=generator)
        plans = (draws * 2 - 1) * shift
        plans[..., 0] = torch.where(draws[..., 0] < 0.5, -1.0, 1.0) if flip else 1.0
        plans[0] = torch.tensor([1.0, 0.0, 0.0])
        self.plans = plans.to(device)  # of each version and image: mirror (-1 or 1), shifts down and right

    def draw(self, n: int) -> Tensor:
        """Which version each of ``n`` images of a batch is seen in, int64 on the device."""
        drawn = torch.randint(0, self.count, (n,), generator=self.generator)
        return drawn.to(self.plans.device, non_blocking=True)

    def __call__(self, pictures: Tensor, rows: Tensor, versions: Tensor) -> Tensor:
        """``pictures`` [B, c, h, w] of the items ``rows``, of any dtype, in their ``versions``."""
        if self.count == 1:
            return pictures
        n, channels, height, width = pictures.shape
        mirror, down, right = self.plans[versions, rows].unbind(1)
        ys, xs = _places(height, down, torch.ones_like(down)), _places(width, right, mirror)
        source = (ys[:, :, None] * width + xs[:, None, :]).view(n, 1, -1).expand(-1, channels, -1)
        return pictures.flatten(2).gather(2, source).view(pictures.shape)


def _places(size: int, shift: Tensor, mirror: Tensor) -> Tensor:
    """Int64 [n, size]: where each row or column of the new picture comes from."""
    ahead = torch.arange(size, device=shift.device)
    along = torch.where(mirror[:, None] > 0, ahead, size - 1 - ahead)
    return (along + (shift * size).round().long()[:, None]).clamp_(0, size - 1)
