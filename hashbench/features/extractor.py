"""The contract of a feature extractor: images in, one vector per image out."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from hashbench.dataset import Images


class Extractor(ABC):
    """A frozen map from images to features.

    Attributes:
        name: id with the size where one was asked for ("gist", "pixels@16"); stands beside every number.
        dtype: of the features.
        weights: checksum (sha256, hexadecimal) of the weights, None for an extractor without any.
    """

    name: str
    dtype: ClassVar[str] = "float32"
    weights: str | None = None

    @abstractmethod
    def __call__(self, images: Images) -> Tensor:
        """Float32 [n, d] of uint8 [n, c, h, w], c of 1 or 3, or a list of [c, h, w]; on the device of ``images``.

        The features of an image do not depend on the others in its batch.
        """
