"""What a pre-trained network is shown of an image: shorter side resized, centre crop, normalisation."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from hashbench.data.images import three_channels
from hashbench.dataset import Images

NARROW = 8  # times as long as wide


@dataclass(frozen=True)
class Preprocessing:
    """How images become a network's input; the same as torchvision's preset of these values.

    Attributes:
        size: side of the square that the network reads, in pixels.
        shorter_side: what the image's shorter side is resized to before the square is cut out of its centre.
        interpolation: of the resizing, which is antialiased.
        mean, std: per channel, of images in [0, 1].
    """

    size: int
    shorter_side: int
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def at(self, size: int | None) -> "Preprocessing":
        """With another size: the largest centred square, at that size. Unchanged for None."""
        return self if size is None else replace(self, size=size, shorter_side=size)

    def pictures(self, images: Images) -> Tensor:
        """Uint8 [n, 3, size, size] of uint8 [n, c, h, w] or a list of [c, h, w]; grey repeated to three channels."""
        if isinstance(images, list):
            return torch.cat([self.pictures(image.unsqueeze(0)) for image in images])
        resized = self._resized(_without_far_ends(images))
        top, left = (round((side - self.size) / 2) for side in resized.shape[-2:])
        return three_channels(resized[..., top : top + self.size, left : left + self.size])

    def _resized(self, images: Tensor) -> Tensor:
        shorter = min(images.shape[-2:])
        if shorter == self.shorter_side:
            return images
        sides = [self.shorter_side * side // shorter for side in images.shape[-2:]]
        floats = functional.interpolate(
            images.float(), sides, mode=self.interpolation, antialias=True, align_corners=False
        )
        return floats.round_().clamp_(0, 255).to(torch.uint8)

    def normalised(self, pictures: Tensor) -> Tensor:
        """Float32 [n, 3, size, size] of uint8, in channels-last order: on a CPU networks are four times as fast."""
        mean, std = (torch.tensor(values, device=pictures.device).view(1, 3, 1, 1) for values in (self.mean, self.std))
        floats = (pictures.float() / 255 - mean) / std
        return floats.contiguous(memory_format=torch.channels_last)


def _without_far_ends(images: Tensor) -> Tensor:
    """The middle of a strip, as it is cut out in any case: resized whole it would need memory without end."""
    height, width = images.shape[-2:]
    most = NARROW * min(height, width)
    top, left = (max(side - most, 0) // 2 for side in (height, width))
    return images[..., top : top + most, left : left + most]
