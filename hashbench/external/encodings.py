"""Decodes arrays of bits written as bool, 0/1, -1/+1 or packed; the user states which, other values are errors."""

import numpy as np
import numpy.typing as npt

from hashbench.codes import BIT_ORDERS, Codes, check_bits
from hashbench.errors import UsageError, unknown
from hashbench.external.arrays import Array

ENCODINGS = ("bool", "01", "pm1", "packed")
VALUES = {"01": (0, 1), "pm1": (-1, 1)}
WORDS = {"01": "0 or 1", "pm1": "-1 or +1"}


def decode(name: str, array: Array, encoding: str | None, bits: int | None, bit_order: str | None = None) -> Codes:
    """Codes from an array whose encoding is stated; True, 1 and +1 are the same bit.

    Args:
        name: what messages call the array.
        array: bool, 0/1 or -1/+1 [n, bits] of any number type, or packed uint8 [n, ceil(bits / 8)], padding bits zero.
        encoding: one of :data:`ENCODINGS`; None will do for bool, whose type states it.
        bits: code length, needed for packed codes and checked for the others.
        bit_order: of packed codes, one of :data:`hashbench.codes.BIT_ORDERS`; None means "msb".

    Raises:
        UsageError: nothing is stated, or shape, type or a value do not fit it; names the array, the value and its
            index, and what was wanted.
    """
    if encoding is not None and encoding not in ENCODINGS:
        raise unknown("encoding", encoding, ENCODINGS)
    shape = f"{array.dtype} {list(array.shape)}"
    if encoding is None and array.dtype != np.bool_:
        raise UsageError(f"{name} are {shape}; say how bits are written with --encoding 01, pm1 or packed")
    if array.ndim != 2 or not array.size:
        raise UsageError(f"{name} are {shape}, wanted a row for each item and at least one item and one bit")
    if encoding == "packed":
        return _packed(name, array, bits, "msb" if bit_order is None else bit_order)
    if bits is not None and bits != array.shape[1]:
        raise UsageError(f"{name} have {array.shape[1]} bits, --bits says {bits}; leave it out or correct it")
    check_bits(array.shape[1])
    if array.dtype == np.bool_ and encoding != "pm1":
        return Codes.pack(array)
    if encoding not in VALUES or array.dtype.kind not in "iuf":
        raise UsageError(f"{name} are {shape}, wanted {_wanted(encoding)}")
    _check_values(name, array, encoding)
    return Codes.pack(array > 0)


def _wanted(encoding: str | None) -> str:
    if encoding not in VALUES:
        return "bool (--encoding bool); for numbers say --encoding 01 or pm1"
    return f"numbers that are {WORDS[encoding]} (--encoding {encoding})"


def _packed(name: str, array: Array, bits: int | None, bit_order: str) -> Codes:
    if bit_order not in BIT_ORDERS:
        raise unknown("bit order", bit_order, BIT_ORDERS)
    if bits is None:
        raise UsageError(f"{name} are packed: their length has to be given, as in --bits 48")
    width, padding = -(-check_bits(bits) // 8), -bits % 8
    if array.dtype.kind in "iu" and array.dtype.itemsize > 1 and (array.min() < -1 or array.max() > 1):
        raise UsageError(
            f"{name} are {array.dtype} {list(array.shape)}, wanted uint8 [n, {width}]: save words as bytes, "
            f"codes.view(numpy.uint8), and say --bit-order lsb where the first bit is the lowest of a word"
        )
    if array.dtype != np.uint8 or array.shape[1] != width:
        raise UsageError(
            f"{name} are {array.dtype} {list(array.shape)}, wanted uint8 [n, {width}] for {bits} packed bits; "
            f"do --bits and --encoding fit?"
        )
    lowest, highest = (1 << padding) - 1, 0xFF & ~(0xFF >> padding)
    unused, others = (lowest, highest) if bit_order == "msb" else (highest, lowest)
    stray = np.flatnonzero(array[:, -1] & unused)
    if len(stray):
        other = BIT_ORDERS[1 - BIT_ORDERS.index(bit_order)]
        way_out = f"pack with the first bit {'highest' if bit_order == 'msb' else 'lowest'}, or say --bit-order {other}"
        if not (array[:, -1] & others).any():
            way_out = f"all rows have them with --bit-order {other}"
        raise UsageError(
            f"{name}: row {stray[0]} ends in {array[stray[0], -1]:08b}, wanted {padding} zeros behind bit {bits} "
            f"(--bit-order {bit_order}); {way_out}"
        )
    return Codes.from_packed(array, bits, "lsb" if bit_order == "lsb" else "msb")


def _check_values(name: str, array: Array, encoding: str) -> None:
    index = first_other(array, VALUES[encoding])
    if index is None:
        return
    value, (other,) = array[index].item(), (each for each in VALUES if each != encoding)
    if value != value:
        hint = "NaN is no bit, and no threshold makes it one: find what made it"
    elif first_other(array, VALUES[other]) is None:
        hint = f"all are {WORDS[other]}: say --encoding {other}"
    elif encoding == "pm1" and value == 0:
        hint = "codes of three values are no binary codes; decide the zeros, as in codes >= 0"
    else:
        hint = "save bits, as in codes > 0"
    raise UsageError(f"{name} has {value!r} at {list(index)}, wanted {WORDS[encoding]} (--encoding {encoding}); {hint}")


def first_other(array: Array, allowed: tuple[int, int]) -> tuple[int, ...] | None:
    """The index of the first value that is neither of the two allowed ones; None where there is none."""
    other: npt.NDArray[np.bool_] = (array != allowed[0]) & (array != allowed[1])
    if not other.any():
        return None
    return tuple(int(axis) for axis in np.unravel_index(int(other.argmax()), array.shape))
