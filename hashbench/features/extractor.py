"""The contract of a feature extractor: images in, one vector per image out."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from hashbench.dataset import Images


class Extractor(ABC):
    """A frozen map from images to features. The first line of a class's docstring is its line in lists.

    Attributes:
        name: id, with "@SIZE" if a size was asked for ("gist", "pixels@16"); every result names it.
        dtype: what the features are computed in, "float32", "float16" or "bfloat16".
        part: what its version is called in fingerprints.
        version: of what it computes; tests/golden says when it goes up.
    """

    part: ClassVar[str]
    version: ClassVar[int]
    name: str
    dtype: str = "float32"

    @property
    def kept_dtype(self) -> str:
        """The dtype of the features; float16 for bfloat16, which numpy lacks: it has more digits, and range enough."""
        return "float16" if self.dtype == "bfloat16" else self.dtype

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
        """Features [n, d] of :attr:`kept_dtype`, on the device of ``images``.

        ``images`` are uint8 [n, c, h, w], c of 1 or 3, or a list of [c, h, w].
        The features of an image do not depend on the others in its batch.
        """
