"""The contract of a feature extractor: images in, one vector per image out."""

import inspect
from abc import ABC, abstractmethod
from pathlib import Path

from torch import Tensor

from hashbench.dataset import Images


class Extractor(ABC):
    """A frozen map from images to features. The first line of a class's docstring is its line in lists.

    Attributes:
        name: id, with "@SIZE" if a size was asked for ("gist", "pixels@16"); every result names it.
        dtype: of the features, "float32" or "float16".
    """

    name: str
    dtype: str = "float32"

    @property
    def weights(self) -> str | None:
        """Checksum (sha256, hexadecimal) of the weights, None for an extractor without any."""
        return None

    @property
    def configuration(self) -> str:
        """Settings from a library that affect the features, beside name, dtype, weights and sources."""
        return ""

    def sources(self) -> set[Path]:
        """The source files that decide the features, beside :mod:`hashbench.data.images`."""
        return {Path(inspect.getfile(kind)) for kind in type(self).__mro__ if issubclass(kind, Extractor)}

    @abstractmethod
    def __call__(self, images: Images) -> Tensor:
        """Features [n, d] of :attr:`dtype`, on the device of ``images``.

        ``images`` are uint8 [n, c, h, w], c of 1 or 3, or a list of [c, h, w].
        The features of an image do not depend on the others in its batch.
        """
