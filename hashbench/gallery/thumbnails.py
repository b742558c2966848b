"""Thumbnails: pictures of any size on squares of one side."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from hashbench.data.images import DECODE_CHUNK_IMAGES, three_channels
from hashbench.dataset import Dataset, Items

Bitmap = npt.NDArray[np.uint8]
THUMBNAIL_SIZE = 128  # pixels: four times CIFAR's


def thumbnail(image: Tensor) -> Bitmap:
    """Uint8 [h, w, 3] whose longer side is at most 128 pixels, of uint8 [c, h, w]; grey gets three channels.

    Small pictures are enlarged by a whole factor, pixel for pixel; large ones are scaled down, antialiased.
    """
    height, width = image.shape[-2:]
    longer, side = max(height, width), THUMBNAIL_SIZE
    colours = three_channels(image.unsqueeze(0))
    if longer <= side:
        scaled = colours.repeat_interleave(side // longer, dim=2).repeat_interleave(side // longer, dim=3)
    else:
        sides = [max(1, round(edge * side / longer)) for edge in (height, width)]
        floats = functional.interpolate(colours.float(), sides, mode="bilinear", antialias=True, align_corners=False)
        scaled = floats.round_().clamp_(0, 255).to(torch.uint8)
    return scaled[0].permute(1, 2, 0).cpu().numpy()


def thumbnails(dataset: Dataset, items: Items) -> list[Bitmap]:
    """Of these items, in their order; a few images are decoded at a time."""
    parts = (items[start : start + DECODE_CHUNK_IMAGES] for start in range(0, len(items), DECODE_CHUNK_IMAGES))
    return [thumbnail(image) for part in parts for image in dataset.images(part)]
