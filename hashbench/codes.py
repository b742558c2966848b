"""Packed binary codes: uint8 [n, ceil(bits / 8)], the first bit highest, padding bits zero."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.errors import UsageError

MAX_BITS = 4096


def check_bits(bits: object) -> int:
    """A code length: a whole number from 1 to 4096.

    Raises:
        UsageError: ``bits`` is something else.
    """
    whole = int(bits) if isinstance(bits, (int, np.integer)) and not isinstance(bits, bool) else 0
    if not 1 <= whole <= MAX_BITS:
        raise UsageError(f"bits is {bits!r}, wanted a whole number from 1 to {MAX_BITS}")
    return whole


@dataclass(frozen=True, eq=False)
class Codes:
    """Binary codes of ``n`` items.

    Attributes:
        packed: uint8 [n, ceil(bits / 8)]; bit 1 is +1 and 0 is -1; padding bits are zero.
        bits: code length, 1 to 4096.

    Raises:
        ValueError: shape, dtype or padding do not fit ``bits``.
    """

    packed: npt.NDArray[np.uint8]
    bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MAX_BITS:
            raise ValueError(f"codes: bits is {self.bits}, wanted 1 to {MAX_BITS}")
        width = -(-self.bits // 8)
        if self.packed.dtype != np.uint8 or self.packed.ndim != 2 or self.packed.shape[1] != width:
            raise ValueError(
                f"codes: packed is {self.packed.dtype} {list(self.packed.shape)}, "
                f"wanted uint8 [n, {width}] for {self.bits} bits"
            )
        padding = width * 8 - self.bits
        if padding and len(self) and (self.packed[:, -1] & ((1 << padding) - 1)).any():
            raise ValueError(f"codes: padding bits behind bit {self.bits} are set, wanted zeros")

    @classmethod
    def pack(cls, values: npt.NDArray[np.bool_] | Tensor) -> Self:
        """Packed codes of bool [n, bits], True is +1.

        Raises:
            ValueError: another dtype; turn -1/+1 and 0/1 into bool first.
        """
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
        if array.dtype != np.bool_ or array.ndim != 2:
            raise ValueError(
                f"codes: got {array.dtype} {list(array.shape)}, wanted bool [n, bits]; for -1/+1 pass (values > 0)"
            )
        return cls(np.packbits(array, axis=1), array.shape[1])

    def unpack(self) -> npt.NDArray[np.bool_]:
        """The bits, bool [n, bits]."""
        return np.unpackbits(self.packed, axis=1, count=self.bits).astype(np.bool_)

    def signs(self, device: torch.device | str = "cpu") -> Tensor:
        """Float32 [n, bits] of -1 and +1 on ``device``, so that <a, b> = bits - 2 * Hamming distance."""
        return torch.from_numpy(self.unpack()).to(device).float().mul_(2).sub_(1)

    def __len__(self) -> int:
        return int(self.packed.shape[0])

    def __getitem__(self, rows: slice | npt.NDArray[np.int64]) -> "Codes":
        return Codes(self.packed[rows], self.bits)


def as_codes(values: Any) -> Codes:
    """Codes from :class:`Codes` or from bool [n, bits] (numpy or torch).

    Raises:
        ValueError: any other dtype or shape.
    """
    return values if isinstance(values, Codes) else Codes.pack(values)
