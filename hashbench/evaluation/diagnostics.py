"""Statistics of codes that need no labels: balance and correlation of bits, unique codes."""

import numpy as np
import numpy.typing as npt
import torch

from hashbench.codes import Codes
from hashbench.search.dispatch import backend_for

Diagnostics = dict[str, float | int | None]


def code_diagnostics(codes: Codes) -> Diagnostics:
    """Statistics of the codes of a database.

    Returns:
        balance_deviation_mean, balance_deviation_max: |share of +1 - .5| over the bits, in [0, .5], 0 is balanced;
        balance_worst_bit: index of the bit with the largest;
        constant_bits: bits that never change, left out of the correlations;
        correlation_mean, correlation_max: |Pearson correlation| over pairs of different bits, in [0, 1]; None where
        fewer than two bits change;
        unique_codes, unique_share: different codes, and their number divided by that of the items.
    """
    pair_counts = backend_for(torch.device("cpu"), "pair_counts").pair_counts(codes).astype(np.float64)
    ones = np.diagonal(pair_counts)
    deviation = np.abs(ones / len(codes) - 0.5)
    changing = (ones > 0) & (ones < len(codes))
    correlation = _correlations(ones[changing], pair_counts[np.ix_(changing, changing)], len(codes))
    unique = _unique(codes)
    return {
        "balance_deviation_mean": float(deviation.mean()),
        "balance_deviation_max": float(deviation.max()),
        "balance_worst_bit": int(deviation.argmax()),
        "constant_bits": int((~changing).sum()),
        "correlation_mean": float(correlation.mean()) if correlation.size else None,
        "correlation_max": float(correlation.max()) if correlation.size else None,
        "unique_codes": unique,
        "unique_share": unique / len(codes),
    }


def _correlations(
    ones: npt.NDArray[np.float64], pair_counts: npt.NDArray[np.float64], items: int
) -> npt.NDArray[np.float64]:
    """|Pearson| of every pair of bits, each pair once."""
    covariance = pair_counts * items - np.outer(ones, ones)
    deviation = np.sqrt(np.diagonal(covariance))
    pairs = np.triu_indices(len(ones), k=1)
    result: npt.NDArray[np.float64] = np.abs(covariance / np.outer(deviation, deviation))[pairs]
    return np.minimum(result, 1)


def _unique(codes: Codes) -> int:
    """The number of different codes.

    Their first 64 bits are sorted; only codes that share these with others are sorted whole.
    """
    words = -(-codes.packed.shape[1] // 8)
    padded = np.zeros((len(codes), 8 * words), dtype=np.uint8)
    padded[:, : codes.packed.shape[1]] = codes.packed
    rows = padded.view(np.uint64)
    first = np.sort(rows[:, 0])
    again = first[1:] == first[:-1]
    different = len(rows) - int(np.count_nonzero(again))
    if words == 1 or different == len(rows):
        return different
    shared = np.unique(first[1:][again])
    nearest = np.minimum(np.searchsorted(shared, rows[:, 0]), len(shared) - 1)
    alike = rows[shared[nearest] == rows[:, 0]]
    alike = alike[np.lexsort(alike.T)]
    return different - len(shared) + 1 + int(np.count_nonzero((alike[1:] != alike[:-1]).any(axis=1)))
