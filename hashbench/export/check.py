"""Compares the bits of exported encoders with those of the method."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.errors import UsageError
from hashbench.method import HashMethod

CHECKED_ITEMS = 1_000
ROUNDING = 1e-12  # of the largest projection: what sums in another order make of 0
ALLOWED_SHARE = 1e-4  # of a network's bits, in float32
ALLOWED_PROJECTION = 1e-3  # of each that differs

Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Check:
    """The bits of an exported file and those of the method, on the same items.

    Attributes:
        file: its name.
        items, bits: how many items and bits were compared.
        differing: how many bits differ.
        farthest: the largest projection, in magnitude, whose bit differs; 0 where none does.
    """

    file: str
    items: int
    bits: int
    differing: int
    farthest: float

    def __str__(self) -> str:
        if not self.differing:
            return f"{self.file}: all {self.bits:,} bits of {self.items:,} items are the method's"
        return (
            f"{self.file}: {self.differing:,} of {self.bits:,} bits of {self.items:,} items differ from the method's, "
            f"of projections up to {self.farthest:.2g} in magnitude"
        )


def check_bits(
    file: str, encode: Callable[[npt.NDArray[Any]], Bits], method: HashMethod, batches: list[Tensor], exact: bool
) -> Check:
    """Compare an exported encoder with its method.

    Args:
        file: its name, for messages.
        encode: the exported encoder: a batch of the method's input to bool [n, bits].
        method: fitted, with a projection.
        batches: inputs of the method.
        exact: whether every bit has to be the same; otherwise one in 10,000 may differ, of a projection below .001,
            beside those of a projection that is 0 but for rounding.

    Raises:
        UsageError: the bits differ by more than that.
    """
    items = bits = differing = rounded = 0
    farthest = 0.0
    for batch in batches:
        with torch.inference_mode():
            expected, projection = method.encode(batch).numpy(), method.project(batch)
        assert projection is not None
        wrong = encode(batch.numpy()) != expected
        items, bits, differing = items + len(batch), bits + expected.size, differing + int(wrong.sum())
        if wrong.any():
            sizes = np.abs(projection.numpy())
            farthest = max(farthest, float(sizes[wrong].max()))
            rounded += int((sizes[wrong] <= ROUNDING * sizes.max()).sum())
    check = Check(file, items, bits, differing, farthest)
    if differing and (exact or differing - rounded > ALLOWED_SHARE * bits or farthest >= ALLOWED_PROJECTION):
        raise UsageError(f"{check}, which is more than may be; nothing was exported: this is a fault of the export")
    return check


def by_onnx(file: Path) -> Callable[[npt.NDArray[Any]], Bits]:
    """What the ONNX graph in ``file`` encodes a batch to, by onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def encode(batch: npt.NDArray[Any]) -> Bits:
        bits: Bits = session.run(["bits"], {name: batch})[0]
        return bits

    return encode
