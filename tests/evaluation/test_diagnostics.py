"""Diagnostics of codes against numpy's correlation matrix and counting by hand."""

import numpy as np
import pytest

from hashbench.codes import Codes
from hashbench.evaluation.diagnostics import code_diagnostics
from hashbench.search import matmul


@pytest.mark.parametrize("compiled", [True, False])
def test_figures_are_those_of_numpy(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul, "_BLOCK_BITS", 100)
    if not compiled:
        monkeypatch.setattr("hashbench.search.dispatch._bit_sliced_backend", lambda operation: None)
    rng = np.random.default_rng(0)
    bits = rng.random((400, 7)) < np.array([0.5, 0.5, 0.9, 0.3, 0.5, 0.5, 0.5])
    bits[:, 4] = bits[:, 0] ^ (rng.random(400) < 0.2)
    figures = code_diagnostics(Codes.pack(bits))
    deviation = np.abs(bits.mean(axis=0) - 0.5)
    correlation = np.abs(np.corrcoef(bits.T))[np.triu_indices(7, k=1)]
    assert figures["balance_deviation_mean"] == pytest.approx(deviation.mean())
    assert figures["balance_deviation_max"] == pytest.approx(deviation.max())
    assert figures["balance_worst_bit"] == 2
    assert figures["correlation_mean"] == pytest.approx(correlation.mean())
    assert figures["correlation_max"] == pytest.approx(correlation.max())
    assert figures["unique_codes"] == len({row.tobytes() for row in bits})
    assert figures["unique_share"] == len({row.tobytes() for row in bits}) / 400


@pytest.mark.parametrize("bits", [1, 40, 64, 65, 128, 200])
@pytest.mark.parametrize("alike", [0, 30, 64, 128])
def test_different_codes_are_counted_at_every_length(bits: int, alike: int) -> None:
    """Of which some, or all, have the same bits at the beginning."""
    rng = np.random.default_rng(bits)
    codes = rng.random((300, bits)) < 0.5
    codes[100:, :alike] = codes[0, :alike]
    codes = codes[rng.integers(0, 300, 900)]
    figures = code_diagnostics(Codes.pack(codes))
    assert figures["unique_codes"] == len({row.tobytes() for row in codes})


def test_constant_bits_are_counted_and_left_out_of_correlations() -> None:
    bits = np.array([[1, 0, 1, 0], [0, 0, 1, 1], [1, 0, 1, 0]]) > 0
    figures = code_diagnostics(Codes.pack(bits))
    assert (figures["constant_bits"], figures["unique_codes"]) == (2, 2)
    assert (figures["correlation_mean"], figures["correlation_max"]) == pytest.approx((1, 1))


def test_a_single_changing_bit_has_no_correlation() -> None:
    figures = code_diagnostics(Codes.pack(np.array([[True], [False]])))
    assert (figures["correlation_mean"], figures["balance_deviation_mean"]) == (None, 0)
