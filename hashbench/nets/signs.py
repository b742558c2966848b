"""The sign, and its differentiable stand-ins for training."""

from typing import Literal

import torch
from torch import Tensor

Activation = Literal["piecewise", "tanh"]


def sign(z: Tensor) -> Tensor:
    """-1 or +1 with sgn(0) = +1, of any shape, in the dtype of ``z``; no gradient (torch.sign would give 0 at 0)."""
    return (z.detach() >= 0).to(z.dtype).mul_(2).sub_(1)


def relaxed_sign(z: Tensor, beta: float, form: Activation = "piecewise") -> Tensor:
    """An approximation of the sign in [-1, 1], app(beta z) of BGAN (Song et al. 2018); the sign as beta grows.

    Args:
        z: any shape.
        beta: steepness, above 0.
        form: "piecewise" is z cut off at -1 and +1, whose gradient is beta where |beta z| < 1 and 0 beyond;
            "tanh" is the smooth form.
    """
    return torch.tanh(beta * z) if form == "tanh" else (beta * z).clamp(-1, 1)


def sign_through(surrogate: Tensor) -> Tensor:
    """Forward exactly sgn(surrogate), backward the identity into ``surrogate``.

    With z itself this is the straight-through estimator (Bengio et al. 2013). With a relaxed sign, the binary code
    goes forward and the approximation's gradient comes back.
    """
    return sign(surrogate) + (surrogate - surrogate.detach())
