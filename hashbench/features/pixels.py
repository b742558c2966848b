"""Pixels: the raw image, flattened."""

from torch import Tensor

from hashbench.features.extractor import Extractor
from hashbench.images import resize


class Pixels(Extractor):
    """Grey values or colours in [0, 1], [n, c * h * w], at the images' own size or resized to ``size`` first."""

    def __init__(self, size: int | None) -> None:
        self.name = "pixels" if size is None else f"pixels@{size}"
        self.size = size

    def __call__(self, images: Tensor) -> Tensor:
        """Float32 [n, c * size * size] of uint8 [n, c, h, w]."""
        sized = images if self.size is None else resize(images, self.size)
        return sized.flatten(1).float() / 255
