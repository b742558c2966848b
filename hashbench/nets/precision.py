"""The dtype that networks train in: from a method's parameter or the run's policy, with autocast."""

from typing import Literal

import torch

from hashbench.method import RunContext

Precision = Literal["auto", "float32", "bfloat16"]


def computing_dtype(precision: Precision, run: RunContext) -> torch.dtype:
    """The dtype of matrix products and convolutions; "auto", which the engine replaces beforehand, is the run's."""
    return {"auto": run.dtype, "float32": torch.float32, "bfloat16": torch.bfloat16}[precision]


def autocast(dtype: torch.dtype, device: torch.device) -> torch.autocast:
    """Autocast to ``dtype``; disabled for float32."""
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)
