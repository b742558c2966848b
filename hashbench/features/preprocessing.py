"""Preprocessing for pre-trained networks: resize the shorter side, crop the centre, normalise."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from hashbench.data.images import three_channels
from hashbench.dataset import Images

MAX_ASPECT_RATIO = 8  # longer images are cut before they are resized


@dataclass(frozen=True)
class Preprocessing:
    """The preprocessing of one network; gives the same as torchvision's preset of these values.

    Attributes:
        size: side of the square that the network reads, in pixels.
        shorter_side: length in pixels that the image's shorter side is resized to before the centre is cropped.
        interpolation: of the resizing, which is antialiased.
        mean, std: per channel, of images in [0, 1].
    """

    size: int
    shorter_side: int
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def at(self, size: int | None) -> "Preprocessing":
        """The preprocessing that takes the largest centred square at ``size``; unchanged for None."""
        return self if size is None else replace(self, size=size, shorter_side=size)

    def cropped(self, images: Images) -> Tensor:
        """Resized centre crops, uint8 [n, 3, size, size], of uint8 [n, c, h, w] or a list of [c, h, w].

        Grey is repeated to three channels. Where ``size`` is more than ``shorter_side``, as for some networks of timm,
        there is a black frame around the image.
        """
        if isinstance(images, list):
            return torch.cat([self.cropped(image.unsqueeze(0)) for image in images])
        resized = _framed(self._resized(_middle_of_strip(images)), self.size)
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

    def normalised(self, cropped: Tensor) -> Tensor:
        """Float32 [n, 3, size, size] of uint8, in channels-last order: four times as fast on a CPU."""
        mean, std = (torch.tensor(values, device=cropped.device).view(1, 3, 1, 1) for values in (self.mean, self.std))
        floats = (cropped.float() / 255 - mean) / std
        return floats.contiguous(memory_format=torch.channels_last)


def _framed(images: Tensor, size: int) -> Tensor:
    """Images with black around them on the axes where they are shorter than ``size``, as torchvision's centre crop."""
    height, width = (max(size - side, 0) for side in images.shape[-2:])
    if not (height or width):
        return images
    return functional.pad(images, (width // 2, width - width // 2, height // 2, height - height // 2))


def _middle_of_strip(images: Tensor) -> Tensor:
    """The middle of long, narrow images, which contains the crop: resizing all of it could exceed the memory."""
    height, width = images.shape[-2:]
    longest = MAX_ASPECT_RATIO * min(height, width)
    top, left = (max(side - longest, 0) // 2 for side in (height, width))
    return images[..., top : top + longest, left : left + longest]
