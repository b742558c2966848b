"""Pixels: the raw image, flattened."""

from torch import Tensor

from hashbench.data.images import resize
from hashbench.dataset import Images
from hashbench.errors import UsageError
from hashbench.features.extractor import Extractor


class Pixels(Extractor):
    """Grey values or colours in [0, 1], c * h * w of them, at the images' own size, or resized to @SIZE first."""

    part = "pixels"
    version = 1

    def __init__(self, size: int | None) -> None:
        self.name = "pixels" if size is None else f"pixels@{size}"
        self.size = size

    def __call__(self, images: Images) -> Tensor:
        """Float32 [n, c * size * size] of uint8 [n, c, h, w].

        Raises:
            UsageError: the images have different sizes and the spec names none.
        """
        sized = images if self.size is None else resize(images, self.size)
        if isinstance(sized, list):
            raise UsageError("features 'pixels' of images of different sizes need one size for all, say pixels@32")
        return sized.flatten(1).float() / 255
