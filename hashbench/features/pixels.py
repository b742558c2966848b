"""Pixels: the raw image, flattened."""

from torch import Tensor

from hashbench.data.images import of_one_size, resize
from hashbench.dataset import Images
from hashbench.errors import UsageError
from hashbench.features.extractor import Extractor


class Pixels(Extractor):
    """Grey values or colours in [0, 1], c * h * w of them, at the images' own size, or resized to @SIZE first.

    Without @SIZE all images must have one size, that of the first ones that come. Image files give three channels, as
    with @SIZE, since some of them may be grey.
    """

    part = "pixels"
    version = 1

    def __init__(self, size: int | None) -> None:
        self.name = "pixels" if size is None else f"pixels@{size}"
        self.size = size
        self._own: tuple[int, int] | None = None  # height and width of the images so far

    def __call__(self, images: Images) -> Tensor:
        """Float32 [n, c * size * size] of uint8 [n, c, h, w].

        Raises:
            UsageError: the images have different sizes and the spec names none.
        """
        sized = self._of_one_size(images) if self.size is None else resize(images, self.size)
        return sized.flatten(1).float() / 255

    def _of_one_size(self, images: Images) -> Tensor:
        for image in images[:1] if isinstance(images, Tensor) else images:
            height, width = image.shape[-2:]
            self._own = self._own or (height, width)
            if self._own != (height, width):
                raise UsageError(
                    f"features 'pixels' of images of different sizes ({self._own[1]} x {self._own[0]} and {width} x "
                    f"{height}) need one size for all, say pixels@32"
                )
        tensor = of_one_size(images)
        assert tensor is not None
        return tensor
