"""Small data that methods are tried on: real digits, and generated features that are awkward."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import interpolate

SIDE = 8
WIDTH = SIDE * SIDE
GREY_VALUES = 16
LOW_RANK = 4
CLASSES = 10


@dataclass(frozen=True)
class Items:
    """Features, float32 [n, 64], and labels, bool [n, classes]; the features are also grey images of 8 x 8 pixels."""

    features: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def images(self, size: int) -> Tensor:
        """Uint8 [n, 3, size, size], from black at the least to white at the largest feature."""
        low, high = self.features.amin(), self.features.amax()
        grey = (self.features - low) / (high - low).clamp_min(1e-6) * 255
        enlarged = interpolate(grey.view(-1, 1, SIDE, SIDE), size=(size, size), mode="nearest")
        return enlarged.round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


@cache
def _digits() -> Items:
    pixels, classes = load_digits(return_X_y=True)
    features = torch.from_numpy(pixels / GREY_VALUES).float()
    return Items(features, torch.nn.functional.one_hot(torch.from_numpy(classes).long(), CLASSES).bool())


def digits(n: int, first: int = 0) -> Items:
    """``n`` of scikit-learn's handwritten digits in [0, 1]; three of the 64 features are constant."""
    all_digits = _digits()
    return Items(all_digits.features[first : first + n].clone(), all_digits.labels[first : first + n].clone())


def constant(n: int) -> Items:
    """Items that are all the same."""
    return _generated(torch.full((n, WIDTH), 0.125))


def low_rank(n: int) -> Items:
    """Items in a space of 4 dimensions."""
    draw = _generator()
    return _generated(draw(n, LOW_RANK) @ draw(LOW_RANK, WIDTH) + 0.5)


def _generator() -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(4)
    return lambda *shape: torch.randn(*shape, generator=generator)


def _generated(features: Tensor) -> Items:
    classes = torch.arange(len(features)) % CLASSES
    return Items(features.contiguous(), torch.nn.functional.one_hot(classes, CLASSES).bool())
