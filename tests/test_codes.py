"""Packed codes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hashbench.codes import Codes, as_codes


@given(st.integers(1, 200), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_unpacking_gives_back_what_was_packed(bits: int, items: int, seed: int) -> None:
    values = np.random.default_rng(seed).random((items, bits)) < 0.5
    codes = Codes.pack(values)
    assert codes.packed.shape == (items, -(-bits // 8))
    assert np.array_equal(codes.unpack(), values)


def test_the_first_bit_is_the_highest_and_padding_is_zero() -> None:
    assert Codes.pack(np.array([[True] + [False] * 8 + [True]])).packed.tolist() == [[0b10000000, 0b01000000]]


def test_torch_and_numpy_pack_alike() -> None:
    values = torch.tensor([[True, False, True]])
    assert np.array_equal(Codes.pack(values).packed, Codes.pack(values.numpy()).packed)


def test_signs_give_the_hamming_distance() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((4, 37)) < 0.5, rng.random((5, 37)) < 0.5
    distance = (37 - Codes.pack(a).signs() @ Codes.pack(b).signs().T) / 2
    assert np.array_equal(distance.numpy(), (a[:, None] != b[None]).sum(-1))


@pytest.mark.parametrize("values", [np.array([[0, 1]]), np.array([[-1.0, 1.0]]), np.array([True])])
def test_values_that_are_not_bool_are_refused_with_the_way_out(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"wanted bool \[n, bits\]; for -1/\+1 pass \(values > 0\)"):
        as_codes(values)


def test_codes_that_do_not_fit_their_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="padding bits behind bit 3 are set"):
        Codes(np.array([[1]], dtype=np.uint8), 3)
    with pytest.raises(ValueError, match=r"wanted uint8 \[n, 2\] for 9 bits"):
        Codes(np.zeros((1, 1), dtype=np.uint8), 9)
    with pytest.raises(ValueError, match="bits is 0"):
        Codes(np.zeros((1, 1), dtype=np.uint8), 0)
