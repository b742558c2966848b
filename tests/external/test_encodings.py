"""Encodings are stated; what does not fit is one line."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import hashbench as hb
from hashbench.errors import UsageError
from hashbench.external.encodings import decode

BITS = arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 70)))
NUMBERS = ("u1", "i1", "i8", "f2", "f4", "f8")


def bits_of(packed: Any, length: int) -> list[list[int]]:
    """Bit by bit, the first one highest."""
    return [[(int(row[bit // 8]) >> (7 - bit % 8)) & 1 for bit in range(length)] for row in packed]


@given(bits=BITS, number=st.sampled_from(NUMBERS), signed=st.sampled_from(NUMBERS[1:]))
def test_the_same_bits_in_every_encoding_are_the_same_bytes(bits: Any, number: str, signed: str) -> None:
    decoded = [
        decode("codes", bits, None, None),
        decode("codes", bits, "bool", bits.shape[1]),
        decode("codes", bits.astype(number), "01", None),
        decode("codes", np.where(bits, 1, -1).astype(signed), "pm1", None),
    ]
    decoded.append(decode("codes", decoded[0].packed.copy(), "packed", bits.shape[1]))
    assert {codes.packed.tobytes() for codes in decoded} == {decoded[0].packed.tobytes()}
    assert {codes.bits for codes in decoded} == {bits.shape[1]}
    assert bits_of(decoded[0].packed, bits.shape[1]) == bits.astype(int).tolist()


@given(bits=BITS)
def test_the_same_bits_in_either_order_are_the_same_codes(bits: Any) -> None:
    lowest_first = np.packbits(bits, axis=1, bitorder="little")
    codes = decode("codes", lowest_first, "packed", bits.shape[1], "lsb")
    assert codes.packed.tobytes() == np.packbits(bits, axis=1).tobytes()
    again = hb.Codes.from_packed(torch.from_numpy(lowest_first), bits.shape[1], "lsb")
    assert np.array_equal(again.unpack(), bits)


def test_words_viewed_as_bytes_are_packed_codes() -> None:
    """As the message advises: bit i of a 64-bit word is the value 1 << i."""
    bits = np.random.default_rng(0).random((5, 128)) < 0.5
    words = (bits.reshape(5, 2, 64) * (1 << np.arange(64, dtype=np.uint64))).sum(axis=2, dtype=np.uint64)
    codes = decode("codes", words.view(np.uint8), "packed", 128, "lsb")
    assert np.array_equal(codes.unpack(), bits)


def test_another_bit_order_is_refused() -> None:
    with pytest.raises(UsageError, match="no bit order named 'big'"):
        decode("codes", np.zeros((1, 1), dtype="u1"), "packed", 8, "big")
    with pytest.raises(UsageError, match="no bit order named 'big'"):
        hb.Codes.from_packed(np.zeros((1, 1), dtype="u1"), 8, "big")  # type: ignore[arg-type]


GOOD = np.array([[1, 0, 1], [0, 1, 1]])


def changed(array: Any, index: tuple[int, int], value: float) -> Any:
    array = np.array(array, dtype=np.float64)
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("array", "encoding", "bits", "line"),
    [
        (GOOD, None, None, "q are int64 [2, 3]; say how bits are written with --encoding 01, pm1 or packed"),
        (GOOD, "binary", None, "no encoding named 'binary' (there are: 01, bool, packed, pm1)"),
        (GOOD, "bool", None, "q are int64 [2, 3], wanted bool (--encoding bool); for numbers say --encoding 01 or pm1"),
        (GOOD > 0, "pm1", None, "q are bool [2, 3], wanted numbers that are -1 or +1 (--encoding pm1)"),
        (GOOD.astype(str), "01", None, "q are <U21 [2, 3], wanted numbers that are 0 or 1 (--encoding 01)"),
        (GOOD[0], "01", None, "q are int64 [3], wanted a row for each item and at least one item and one bit"),
        (GOOD[:0], "01", None, "q are int64 [0, 3], wanted a row for each item and at least one item and one bit"),
        (GOOD, "01", 4, "q have 3 bits, --bits says 4; leave it out or correct it"),
        (
            changed(GOOD, (1, 2), 0.5),
            "01",
            None,
            "q has 0.5 at [1, 2], wanted 0 or 1 (--encoding 01); save bits, as in codes > 0",
        ),
        (
            changed(GOOD, (1, 0), np.nan),
            "01",
            None,
            "q has nan at [1, 0], wanted 0 or 1 (--encoding 01); NaN is no bit, and no threshold makes it one",
        ),
        (
            changed(GOOD * 2 - 1, (1, 0), np.nan),
            "pm1",
            None,
            "q has nan at [1, 0], wanted -1 or +1 (--encoding pm1); NaN is no bit, and no threshold makes it one",
        ),
        (
            GOOD * 2 - 1,
            "01",
            None,
            "q has -1 at [0, 1], wanted 0 or 1 (--encoding 01); all are -1 or +1: say --encoding pm1",
        ),
        (
            GOOD,
            "pm1",
            None,
            "q has 0 at [0, 1], wanted -1 or +1 (--encoding pm1); all are 0 or 1: say --encoding 01",
        ),
        (
            changed(GOOD * 2 - 1, (1, 1), 0),
            "pm1",
            None,
            "q has 0.0 at [1, 1], wanted -1 or +1 (--encoding pm1); codes of three values are no binary codes; "
            "decide the zeros, as in codes >= 0",
        ),
        (GOOD.astype("u1"), "packed", None, "q are packed: their length has to be given, as in --bits 48"),
        (GOOD.astype("u1"), "packed", 5000, "bits is 5000, wanted a whole number from 1 to 4096"),
        (GOOD, "packed", 24, "q are int64 [2, 3], wanted uint8 [n, 3] for 24 packed bits; do --bits and --encoding"),
        (
            np.array([[2**63, 5]], dtype="u8"),
            "packed",
            128,
            "q are uint64 [1, 2], wanted uint8 [n, 16]: save words as bytes, codes.view(numpy.uint8), and say "
            "--bit-order lsb where the first bit is the lowest of a word",
        ),
        (
            np.array([[1, 15], [1, 3]], dtype="u1"),
            "packed",
            12,
            "q: row 0 ends in 00001111, wanted 4 zeros behind bit 12 (--bit-order msb); all rows have them with "
            "--bit-order lsb",
        ),
        (GOOD.astype("u1"), "packed", 25, "q are uint8 [2, 3], wanted uint8 [n, 4] for 25 packed bits"),
        (
            np.array([[1, 128], [1, 129]], dtype="u1"),
            "packed",
            12,
            "q: row 1 ends in 10000001, wanted 4 zeros behind bit 12 (--bit-order msb); pack with the first bit "
            "highest, or say --bit-order lsb",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(array: Any, encoding: str, bits: int, line: str) -> None:
    with pytest.raises(UsageError) as refused:
        decode("q", array, encoding, bits)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
