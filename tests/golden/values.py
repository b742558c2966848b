"""What a golden holds, and how closely it has to be met."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

BIT_SHARE = 0.999  # of the bits of codes; sums in another order flip some next to zero
PIXEL_SHARE = 0.999  # of the values of images that are equal; the others may differ by 1
TABLE_TOLERANCE = 1e-12  # relative, of a number in a table: the last digit of a cosine
SHOWN = 4  # values of a disagreement that are named


@dataclass(frozen=True)
class Value(ABC):
    """An array as it was computed now.

    Attributes:
        array: any shape; bool, uint8, int64 or float.
    """

    array: npt.NDArray[Any]

    def difference(self, expected: npt.NDArray[Any]) -> str | None:
        """What differs from the expectation by more than it may, in words; None if nothing does."""
        if self.array.shape != expected.shape or self.array.dtype.kind != expected.dtype.kind:
            return f"is {_kind(self.array)}, wanted {_kind(expected)}"
        return self._difference(expected)

    @abstractmethod
    def _difference(self, expected: npt.NDArray[Any]) -> str | None: ...


class Bits(Value):
    """Codes, bool [n, bits]: 99.9 % of the bits are equal."""

    def _difference(self, expected: npt.NDArray[Any]) -> str | None:
        share = float((self.array == expected).mean())
        return None if share >= BIT_SHARE else f"{share:.4%} of the bits are equal, wanted {BIT_SHARE:.1%}"


class Exact(Value):
    """Every entry is equal."""

    def _difference(self, expected: npt.NDArray[Any]) -> str | None:
        differs = self.array != expected
        return f"differs: {_named(self.array, expected, differs)}" if differs.any() else None


class Pixels(Value):
    """Uint8: nowhere more than 1 apart, and 99.9 % of the values are equal."""

    def _difference(self, expected: npt.NDArray[Any]) -> str | None:
        apart = np.abs(self.array.astype(np.int64) - expected.astype(np.int64))
        if apart.max() > 1:
            return f"up to {apart.max()} apart, wanted 1: {_named(self.array, expected, apart > 1)}"
        share = float((apart == 0).mean())
        return None if share >= PIXEL_SHARE else f"{share:.4%} of the values are equal, wanted {PIXEL_SHARE:.1%}"


@dataclass(frozen=True)
class Losses(Value):
    """Floats, each within a share of itself."""

    tolerance: float = 1e-3

    def _difference(self, expected: npt.NDArray[Any]) -> str | None:
        limit = self.tolerance * np.abs(expected)
        return _too_far(self.array, expected, limit, self.tolerance, "of each")


@dataclass(frozen=True)
class Floats(Value):
    """Floats, each within a share of the root mean square of all: those next to zero have no accuracy of their own."""

    tolerance: float = 1e-3

    def _difference(self, expected: npt.NDArray[Any]) -> str | None:
        limit = np.full(expected.shape, self.tolerance * float(np.sqrt(np.square(expected.astype(np.float64)).mean())))
        return _too_far(self.array, expected, limit, self.tolerance, "of their root mean square")


@dataclass(frozen=True)
class Table:
    """Numbers and texts in lists and dictionaries, as JSON holds them, for tables that a person reads."""

    content: Any

    def difference(self, expected: Any) -> str | None:
        """See :meth:`Value.difference`."""
        return _table_difference(self.content, expected, "")


Result = Value | Table


def array_of(values: Tensor | npt.NDArray[Any] | list[float]) -> npt.NDArray[Any]:
    """A numpy array of its own; floats as float32, lists as float64."""
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    return array.astype(np.float32) if isinstance(values, Tensor) and array.dtype.kind == "f" else array.copy()


def _too_far(
    array: npt.NDArray[Any], expected: npt.NDArray[Any], limit: npt.NDArray[Any], tolerance: float, of: str
) -> str | None:
    apart = np.abs(array.astype(np.float64) - expected)
    far = ~(apart <= limit)  # so that NaN is far
    if not far.any():
        return None
    worst = float((apart[far] / np.maximum(limit[far], np.finfo(np.float64).tiny)).max()) * tolerance
    return f"up to {worst:.2g} apart, wanted {tolerance:g} {of}: {_named(array, expected, far)}"


def _named(array: npt.NDArray[Any], expected: npt.NDArray[Any], differs: npt.NDArray[np.bool_]) -> str:
    """The first entries that differ, and the number of all."""
    places = np.argwhere(differs)
    shown = [f"{array[tuple(place)]} for {expected[tuple(place)]} at {place.tolist()}" for place in places[:SHOWN]]
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(shown) + more


def _kind(array: npt.NDArray[Any]) -> str:
    return f"{array.dtype} {list(array.shape)}"


def _table_difference(content: Any, expected: Any, at: str) -> str | None:
    if isinstance(expected, dict) and isinstance(content, dict) and content.keys() == expected.keys():
        parts = [_table_difference(content[name], expected[name], f"{at}.{name}") for name in expected]
    elif isinstance(expected, list) and isinstance(content, list) and len(content) == len(expected):
        parts = [_table_difference(*pair, f"{at}[{i}]") for i, pair in enumerate(zip(content, expected, strict=True))]
    elif isinstance(expected, float) and isinstance(content, (int, float)):
        parts = (
            [None]
            if abs(content - expected) <= TABLE_TOLERANCE * abs(expected)
            else [f"{content} for {expected} at {at}"]
        )
    else:
        parts = [None] if content == expected else [f"{content!r} for {expected!r} at {at or 'the top'}"]
    return next((part for part in parts if part), None)
