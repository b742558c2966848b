"""Checks the real outputs of queries, of which their bits are the signs."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.external.arrays import OUTPUTS

Outputs = npt.NDArray[np.floating[Any]]


def check_outputs(outputs: npt.NDArray[Any], codes: Codes) -> None:
    """Check that outputs are float [queries, bits], finite, and of the queries' codes.

    An output of exactly 0 goes with either bit.

    Raises:
        UsageError: another shape or type, a number that is not finite, or one whose sign is not its bit.
    """
    wanted = f"float [{len(codes)}, {codes.bits}], a number for each bit of a query"
    if outputs.dtype.kind != "f" or outputs.shape != (len(codes), codes.bits):
        raise UsageError(f"{OUTPUTS} are {outputs.dtype} {list(outputs.shape)}, wanted {wanted}")
    if (other := _first(~np.isfinite(outputs))) is not None:
        raise UsageError(f"{OUTPUTS} has {outputs[other]} at {list(other)}, wanted finite numbers")
    bits = codes.unpack()
    other = _first(((outputs > 0) & ~bits) | ((outputs < 0) & bits))
    if other is None:
        return
    hint = "are they those of these queries, in this order?"
    if outputs.min() >= 0 and outputs.max() <= 1:
        hint = "all are 0 to 1: give what the sigmoid was taken of"
    raise UsageError(
        f"{OUTPUTS} has {float(outputs[other]):.4g} at {list(other)}, where query_codes has the bit "
        f"{int(bits[other])}; wanted numbers above 0 for 1 and below for 0; {hint}"
    )


def _first(where: npt.NDArray[np.bool_]) -> tuple[int, ...] | None:
    if not where.any():
        return None
    return tuple(int(axis) for axis in np.unravel_index(int(where.argmax()), where.shape))
