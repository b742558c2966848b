"""Spectral hashing against the authors' enumeration, loop by loop."""

import math

import numpy as np
import numpy.typing as npt
import pytest

import hashbench as hb

Array = npt.NDArray[np.float64]


def authors_modes(ranges: Array, bits: int) -> list[tuple[int, int]]:
    """(component, mode) per bit: trainSH.m, with its table of modes that starts with the constant one."""
    maximal = [math.ceil((bits + 1) * width / max(ranges)) for width in ranges]
    table = [[0] * len(ranges)]
    for component, count in enumerate(maximal):
        for mode in range(1, count):
            table.append([mode if c == component else 0 for c in range(len(ranges))])
    frequency = [sum((mode * math.pi / width) ** 2 for mode, width in zip(row, ranges, strict=True)) for row in table]
    order = sorted(range(len(table)), key=lambda row: frequency[row])
    return [next((c, m) for c, m in enumerate(table[row]) if m) for row in order[1 : bits + 1]]


def reference(train: Array, x: Array, bits: int) -> npt.NDArray[np.bool_]:
    """compressSH.m of ``x``, item by item and bit by bit; principal axes by SVD, turned by our rule."""
    mean = train.mean(0)
    unsigned = np.linalg.svd(train - mean, full_matrices=False)[2][:bits]
    axes = [axis * np.sign(axis[np.abs(axis).argmax()]) for axis in unsigned]
    low = [min(axis @ (row - mean) for row in train) for axis in axes]
    high = [max(axis @ (row - mean) for row in train) for axis in axes]
    modes = authors_modes(np.array(high) - np.array(low), bits)
    codes = np.zeros((len(x), bits), dtype=np.bool_)
    for i, row in enumerate(x):
        for bit, (component, mode) in enumerate(modes):
            omega = mode * math.pi / (high[component] - low[component])
            codes[i, bit] = math.sin(omega * (axes[component] @ (row - mean) - low[component]) + math.pi / 2) >= 0
    return codes


@pytest.fixture
def box() -> Array:
    """[300, 5], uniform, of clearly different widths; exact in float32."""
    rng = np.random.default_rng(0)
    return (rng.uniform(size=(300, 5)) * [9, 5, 3, 1, 0.2]).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8, 16, 40])
def test_codes_are_those_of_the_authors_enumeration(box: Array, bits: int) -> None:
    method = hb.hasher("spectral", bits=bits, device="cpu").fit(box)
    new = np.random.default_rng(1).uniform(-1, 10, (100, 5)).astype(np.float32)
    for x in (box, new.astype(np.float64)):
        assert (method.encode(x) == reference(box, x, bits)).mean() >= 0.9999


def test_a_wide_component_gives_several_bits_and_a_narrow_one_none(box: Array) -> None:
    assert authors_modes(np.array([9.0, 5.0, 2.9, 1.0, 0.2]), 6) == [(0, 1), (1, 1), (0, 2), (0, 3), (2, 1), (1, 2)]
    widest, narrowest = box.copy(), box.copy()
    widest[:, 0] += 1
    narrowest[:, 4] += 0.1
    method = hb.hasher("spectral", bits=6, device="cpu").fit(box)
    assert (method.encode(widest) != method.encode(box)).mean() > 0.1
    assert (method.encode(narrowest) != method.encode(box)).mean() < 0.02


def test_a_constant_column_changes_nothing(box: Array) -> None:
    wider = np.concatenate([box, np.full((300, 3), 0.7)], 1)
    codes, expected = (hb.hasher("spectral", bits=12, device="cpu").fit(x).encode(x) for x in (wider, box))
    assert (codes == expected).mean() >= 0.9999


def test_a_mode_splits_its_component_at_equal_steps() -> None:
    line = np.linspace(0, 1, 1_001, dtype=np.float32)[:, None]
    codes = hb.hasher("spectral", bits=3, device="cpu").fit(line).encode(line)
    for bit, changes in enumerate(codes.T):
        borders = line[1:, 0][changes[1:] != changes[:-1]]
        expected = (np.arange(bit + 1) + 0.5) / (bit + 1)
        np.testing.assert_allclose(borders, expected, atol=0.002)
    assert codes[0].all()
