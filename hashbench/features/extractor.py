"""The contract of a feature extractor: images in, one vector per image out."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from hashbench.dataset import Images


class Extractor(ABC):
    """A frozen map from images to features. The first line of a class's docstring is its line in lists.

    Attributes:
        name: id, with "@SIZE" if a size was asked for ("gist", "pixels@16"); every result names it.
        dtype: of the features, "float32" or "float16".
        part: what its version is called in fingerprints.
        version: of what it computes; tests/golden says when it goes up.
    """

    part: ClassVar[str]
    version: ClassVar[int]
    name: str
    dtype: str = "float32"

    @property
    def weights(self) -> str | None:
        """Checksum (sha256, hexadecimal) of the weights, None for an extractor without any."""
        return None

    @property
    def configuration(self) -> str:
        """Settings from a library that affect the features, beside name, dtype, weights and version."""
        return ""

    @abstractmethod
    def __call__(self, images: Images) -> Tensor:
        """Features [n, d] of :attr:`dtype`, on the device of ``images``.

        ``images`` are uint8 [n, c, h, w], c of 1 or 3, or a list of [c, h, w].
        The features of an image do not depend on the others in its batch.
        """
