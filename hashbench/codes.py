"""Packed binary codes: uint8 [n, ceil(bits / 8)], the first bit highest, padding bits zero."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.errors import unknown
from hashbench.util.arrays import as_numpy
from hashbench.util.numbers import whole_number

MAX_BITS = 4096
BIT_ORDERS = ("msb", "lsb")
BitOrder = Literal["msb", "lsb"]
"""Which bit of a byte is a packed code's first: the highest ("msb", as numpy.packbits has it) or the lowest."""


def check_bits(bits: object) -> int:
    """A code length: a whole number from 1 to 4096.

    Raises:
        UsageError: ``bits`` is something else.
    """
    return whole_number("bits", bits, 1, MAX_BITS)


_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]


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
        object.__setattr__(self, "bits", check_bits(self.bits))
        width = -(-self.bits // 8)
        if self.packed.dtype != np.uint8 or self.packed.ndim != 2 or self.packed.shape[1] != width:
            raise ValueError(
                f"codes: packed is {self.packed.dtype} {list(self.packed.shape)}, "
                f"wanted uint8 [n, {width}] for {self.bits} bits"
            )
        if not self.packed.flags.c_contiguous:  # compiled loops read rows of bytes that follow one another
            object.__setattr__(self, "packed", np.ascontiguousarray(self.packed))
        padding = width * 8 - self.bits
        if padding and len(self) and (self.packed[:, -1] & ((1 << padding) - 1)).any():
            raise ValueError(f"codes: padding bits behind bit {self.bits} are set, wanted zeros")

    @classmethod
    def pack(cls, values: npt.NDArray[Any] | Tensor) -> Self:
        """Packed codes of bool [n, bits], True is +1.

        Raises:
            ValueError: another dtype; turn -1/+1 and 0/1 into bool first.
        """
        bits = isinstance(values, Tensor) and values.dtype == torch.bool and values.ndim == 2
        if isinstance(values, Tensor) and bits and values.device.type != "cpu":
            return cls(packed_bits(values).cpu().numpy(), values.shape[1])  # an eighth of the bytes to copy
        array = as_numpy(values)
        if array.dtype != np.bool_ or array.ndim != 2:
            dtype = values.dtype if isinstance(values, Tensor) else array.dtype
            raise ValueError(f"codes: got {dtype} {list(array.shape)}, wanted bool [n, bits]; {_way_out(array)}")
        return cls(np.packbits(array, axis=1), array.shape[1])

    @classmethod
    def from_packed(cls, values: npt.NDArray[np.uint8] | Tensor, bits: int, bit_order: BitOrder = "msb") -> Self:
        """Codes of packed bits, uint8 [n, ceil(bits / 8)], padding bits zero: ``numpy.packbits(codes, axis=1)``.

        Args:
            values: the packed bits.
            bits: code length, 1 to 4096.
            bit_order: "msb" where the first bit is the highest of its byte, "lsb" where it is the lowest (faiss).

        Raises:
            ValueError: shape, dtype or padding do not fit ``bits``, or there is no such order.
        """
        if bit_order not in BIT_ORDERS:
            raise unknown("bit order", str(bit_order), BIT_ORDERS)
        array = as_numpy(values)
        if bit_order == "lsb" and array.dtype == np.uint8:
            array = _REVERSED[array]
        return cls(array, bits)

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


def packed_bits(bits: Tensor) -> Tensor:
    """Uint8 [n, ceil(bits / 8)] of bool [n, bits] on the same device, the first bit highest, as numpy.packbits."""
    width = -(-bits.shape[1] // 8)
    padded = torch.zeros(len(bits), 8 * width, dtype=torch.uint8, device=bits.device)
    padded[:, : bits.shape[1]] = bits
    places = torch.arange(7, -1, -1, dtype=torch.uint8, device=bits.device)
    return torch.bitwise_left_shift(padded.view(len(bits), width, 8), places).sum(dim=2, dtype=torch.uint8)


CodesLike = Codes | npt.NDArray[np.bool_] | npt.NDArray[np.uint8] | Tensor
"""Codes, or bool [n, bits], or beside a code length packed uint8 [n, ceil(bits / 8)]."""


def as_codes(values: CodesLike, bits: int | None = None) -> Codes:
    """Codes from :class:`Codes`, from bool [n, bits] or, with ``bits``, from packed uint8 [n, ceil(bits / 8)].

    Raises:
        ValueError: any other dtype or shape, or another length than ``bits``.
    """
    if isinstance(values, Codes):
        codes = values
    else:
        array = as_numpy(values)
        packed = bits is not None and array.dtype == np.uint8
        codes = Codes.from_packed(array, check_bits(bits)) if packed else Codes.pack(values)
    if bits is not None and codes.bits != bits:
        raise ValueError(f"codes: got {codes.bits} bits, wanted {bits}")
    return codes


def _way_out(array: npt.NDArray[Any]) -> str:
    """What to do about an array that is not bool [n, bits]."""
    if array.ndim != 2 or array.dtype.kind not in "iuf" or not array.size:
        return "a row for each item"
    if array.dtype.kind == "f":
        unclear = np.argwhere(~np.isfinite(array))
        if len(unclear):
            row, column = unclear[0].tolist()
            return (
                f"[{row}, {column}] is {array[row, column]}, which no threshold makes a bit: find where it comes from"
            )
    elif array.max() > 1 or array.min() < -1:
        view = "" if array.dtype == np.uint8 else ".view(numpy.uint8)"
        order = ", 'lsb'" if array.dtype.itemsize > 1 else ""
        return f"packed bits go in as hb.Codes.from_packed(array{view}, bits{order})"
    return "for -1/+1 pass (values > 0)"
