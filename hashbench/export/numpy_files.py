"""The encoder as numbers, and the few lines of numpy that read them."""

import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch

from hashbench.method import Linear

NUMBERS = "encoder.safetensors"
READER = "encoder.py"


def write_numpy(linear: Linear, zero_is_one: bool, about: dict[str, str], folder: Path) -> None:
    """Write the numbers, float64 as they were learnt, and the module that encodes by them.

    Args:
        linear: the projection.
        zero_is_one: the bit of a projection that is exactly 0.
        about: texts for the file's metadata.
        folder: where the two files go.
    """
    tensors = {"mean": linear.mean, "projection": linear.projection, "threshold": linear.threshold}
    kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items() if value is not None}
    safetensors.torch.save_file(
        {name: value.to(torch.float64) for name, value in kept.items()}, folder / NUMBERS, about
    )
    (folder / READER).write_text(_reader(linear, zero_is_one), encoding="utf-8")


def by_numpy(folder: Path, bits: int) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.bool_]]:
    """What the module that was written to ``folder`` encodes features to, bool [n, bits]."""
    encode = runpy.run_path(str(folder / READER))["encode"]
    return lambda features: np.unpackbits(encode(features), axis=1, count=bits).astype(np.bool_)


def _reader(linear: Linear, zero_is_one: bool) -> str:
    """A module of at most 15 lines."""
    steps = ['x[:, : len(w["mean"])] - w["mean"]' if linear.nested else 'x - w["mean"]']
    if linear.projection is not None:
        steps.append(f'({steps[-1]}) @ w["projection"]')
    if linear.threshold is not None:
        steps.append(f'{steps[-1]} - w["threshold"]')
    z = f"np.cos({steps[-1]})" if linear.cosine else steps[-1]
    sign = ">= 0" if zero_is_one else "> 0"
    lines = [
        '"""Binary codes of vectors: numpy and safetensors are all it needs; README.md says what the vectors are."""',
        "from pathlib import Path",
        "",
        "import numpy as np",
        "from safetensors.numpy import load_file",
        "",
        f'w = load_file(Path(__file__).with_name("{NUMBERS}"))',
        "",
        "",
        "def encode(x):",
        '    """uint8 [n, ceil(bits / 8)] of vectors [n, d]; the first bit is highest, as numpy.packbits has it."""',
        "    x = np.asarray(x, dtype=np.float32).astype(np.float64)",
        f"    z = {z}",
        f"    return np.packbits(z {sign}, axis=1)",
    ]
    return "\n".join(lines) + "\n"
