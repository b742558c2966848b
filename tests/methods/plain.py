"""What plain references of methods share: a method's draws made once more, and comparisons."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hashbench.method import HashMethod

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """The draws of a method in its own order, as numpy arrays."""

    generator: torch.Generator

    def rows(self, count: int, wanted: int) -> npt.NDArray[np.int64]:
        """Ascending rows, drawn without replacement."""
        result: npt.NDArray[np.int64] = np.sort(torch.randperm(count, generator=self.generator).numpy()[:wanted])
        return result

    def order(self, count: int) -> list[int]:
        order: list[int] = torch.randperm(count, generator=self.generator).tolist()
        return order

    def integers(self, below: int, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
        result: npt.NDArray[np.int64] = torch.randint(below, shape, generator=self.generator).numpy()
        return result

    def normal(self, *shape: int) -> Array:
        result: Array = torch.randn(*shape, generator=self.generator, dtype=torch.float64).numpy()
        return result

    def uniform(self, *shape: int) -> Array:
        """Of 24 bits each, in [0, 1)."""
        result: Array = torch.rand(*shape, generator=self.generator).double().numpy()
        return result


def draws(seed: int) -> Draws:
    return Draws(torch.Generator().manual_seed(seed))


def signs(values: Array) -> Array:
    return np.where(values >= 0, 1.0, -1.0)


def pair_distances(x: Array, y: Array) -> Array:
    """Float64 [n, m], from differences."""
    result: Array = np.sqrt(((x[:, None] - y[None]) ** 2).sum(2))
    return result


def assert_same_bits(method: HashMethod, x: Any, expected: npt.NDArray[np.bool_]) -> None:
    """All but one in 10,000: sums in another order may flip bits next to zero."""
    assert (method.encode(torch.from_numpy(x)).numpy() == expected).mean() >= 0.9999
