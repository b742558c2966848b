"""ELU, fast on CPUs."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class ELU(nn.Module):
    """x above 0, exp(x) - 1 below (Clevert et al. 2016): torch's to within 1e-7.

    torch.nn.ELU uses expm1, which no CPU kernel of torch vectorises: 4.1 ms for 800,000 numbers on two cores against
    .3 ms for exp, a fifth of a whole BGAN step. On a GPU it is torch's own.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Of any shape."""
        y: Tensor = _ExpELU.apply(x) if x.device.type == "cpu" else functional.elu(x)  # a GPU's is one kernel
        return y


class _ExpELU(torch.autograd.Function):
    """Saves its result alone: where y <= 0, the derivative is exp(x) = y + 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = torch.maximum(x, x.clamp(max=0).exp_().sub_(1))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        slope: Tensor = y.clamp(max=0).add_(1)
        return slope.mul_(gradient)
