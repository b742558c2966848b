"""Packed codes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hashbench.codes import Codes, as_codes, packed_bits
from hashbench.evaluation.evaluate import evaluate
from hashbench.search.index import HammingIndex


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


@pytest.mark.parametrize("values", [np.array([[0, 1]]), np.array([[-1.0, 1.0]])])
def test_values_that_are_not_bool_are_refused_with_the_way_out(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"wanted bool \[n, bits\]; for -1/\+1 pass \(values > 0\)"):
        as_codes(values)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (np.array([[0.5, 1], [np.nan, 0]]), "[1, 0] is nan, which no threshold makes a bit: find where it comes from"),
        (np.array([[0.5, np.inf]]), "[0, 1] is inf, which no threshold makes a bit"),
        (np.array([[7, 255]], "u1"), "packed bits go in as hb.Codes.from_packed(array, bits)"),
        (np.array([[-7, 25]], "i1"), "packed bits go in as hb.Codes.from_packed(array.view(numpy.uint8), bits)"),
        (np.array([[2**63]], "u8"), "packed bits go in as hb.Codes.from_packed(array.view(numpy.uint8), bits, 'lsb')"),
        (np.array([[-(2**62)]]), "packed bits go in as hb.Codes.from_packed(array.view(numpy.uint8), bits, 'lsb')"),
        (np.array([[0, 1]], "u1"), "for -1/+1 pass (values > 0)"),
        (np.array([True]), "a row for each item"),
        (np.array([["a"]]), "a row for each item"),
        (torch.tensor([[0.5, -1]], dtype=torch.bfloat16), "for -1/+1 pass (values > 0)"),
        (torch.tensor([[0.5, -1]], requires_grad=True), "for -1/+1 pass (values > 0)"),
    ],
)
def test_the_way_out_does_not_mislead(values: Any, line: str) -> None:
    for refusing in (as_codes, HammingIndex, lambda codes: evaluate(codes, codes, np.arange(1), np.arange(1))):
        with pytest.raises(ValueError, match=r"^codes: got .*, wanted bool \[n, bits\]; ") as refused:
            refusing(values)
        assert str(refused.value).partition("; ")[2].startswith(line)
        assert "\n" not in str(refused.value)


def test_packed_codes_are_scored_beside_their_length() -> None:
    bits = np.random.default_rng(0).random((40, 13)) < 0.5
    packed, labels = np.packbits(bits, axis=1), np.arange(40) % 3
    wanted = evaluate(bits, bits, labels, labels).metrics
    assert evaluate(packed, packed, labels, labels, bits=13).metrics == wanted
    assert evaluate(torch.from_numpy(packed), Codes(packed, 13), labels, labels, bits=13).metrics == wanted
    with pytest.raises(ValueError, match="codes: got 13 bits, wanted 12"):
        evaluate(bits, bits, labels, labels, bits=12)


def test_codes_that_do_not_fit_their_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="padding bits behind bit 3 are set"):
        Codes(np.array([[1]], dtype=np.uint8), 3)
    with pytest.raises(ValueError, match=r"wanted uint8 \[n, 2\] for 9 bits"):
        Codes(np.zeros((1, 1), dtype=np.uint8), 9)
    with pytest.raises(ValueError, match="bits is 0"):
        Codes(np.zeros((1, 1), dtype=np.uint8), 0)


def test_what_scores_and_searches_codes_names_a_tensors_own_type() -> None:
    with pytest.raises(ValueError, match=r"codes: got torch.bfloat16 \[2, 8\], wanted bool"):
        as_codes(torch.randn(2, 8).bfloat16())


@pytest.mark.parametrize(("items", "bits"), [(0, 9), (1, 1), (5, 8), (33, 9), (7, 300)])
def test_bits_are_packed_on_their_device_as_numpy_packs_them(items: int, bits: int) -> None:
    values = np.random.default_rng(bits).random((items, bits)) < 0.5
    assert np.array_equal(packed_bits(torch.from_numpy(values)).numpy(), np.packbits(values, axis=1))
