"""What codes look like without labels: balance and correlation of bits, unique codes."""

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.search.bit_planes import bit_planes, stretches
from hashbench.search.compiled import kernels, needed_kernels

Diagnostics = dict[str, float | int | None]

_BLOCK_NUMBERS = 1 << 22
_ITEMS = 1 << 20  # whose planes are made at a time


def code_diagnostics(codes: Codes) -> Diagnostics:
    """Figures about the codes of a database.

    Returns:
        balance_deviation_mean, balance_deviation_max: |share of +1 - .5| over the bits, in [0, .5], 0 is balanced;
        balance_worst_bit: number of the bit with the largest;
        constant_bits: bits that never change, left out of the correlations;
        correlation_mean, correlation_max: |Pearson correlation| over pairs of different bits, in [0, 1]; None where
        fewer than two bits change;
        unique_codes, unique_share: different codes, and their number divided by that of the items.
    """
    ones, together = _moments(codes)
    deviation = np.abs(ones / len(codes) - 0.5)
    changing = (ones > 0) & (ones < len(codes))
    correlation = _correlations(ones[changing], together[np.ix_(changing, changing)], len(codes))
    unique = _different(codes)
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


def _moments(codes: Codes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How often each bit is +1 [bits], and each pair of bits at once [bits, bits]."""
    together = _by_products(codes) if kernels() is None else _by_planes(codes)
    return np.diagonal(together).copy(), together


def _by_planes(codes: Codes) -> npt.NDArray[np.float64]:
    together = np.zeros((8 * codes.packed.shape[1],) * 2, dtype=np.int64)
    for part in stretches(len(codes), _ITEMS):
        needed_kernels().count_pairs(bit_planes(codes.packed[part]).words, together)
    return together[: codes.bits, : codes.bits].astype(np.float64)


def _by_products(codes: Codes) -> npt.NDArray[np.float64]:
    together = np.zeros((codes.bits, codes.bits))
    step = max(1, _BLOCK_NUMBERS // codes.bits)
    for start in range(0, len(codes), step):
        block = codes[start : start + step].unpack().astype(np.float32)  # exact: counts stay below 2^24
        together += block.T @ block
    return together


def _correlations(
    ones: npt.NDArray[np.float64], together: npt.NDArray[np.float64], items: int
) -> npt.NDArray[np.float64]:
    """|Pearson| of every pair of bits, each pair once."""
    covariance = together * items - np.outer(ones, ones)
    deviation = np.sqrt(np.diagonal(covariance))
    pairs = np.triu_indices(len(ones), k=1)
    result: npt.NDArray[np.float64] = np.abs(covariance / np.outer(deviation, deviation))[pairs]
    return np.minimum(result, 1)


def _different(codes: Codes) -> int:
    """How many there are, by sorting their first 64 bits; only codes that share these with others are sorted whole."""
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
    places = np.minimum(np.searchsorted(shared, rows[:, 0]), len(shared) - 1)
    alike = rows[shared[places] == rows[:, 0]]
    alike = alike[np.lexsort(alike.T)]
    return different - len(shared) + 1 + int(np.count_nonzero((alike[1:] != alike[:-1]).any(axis=1)))
