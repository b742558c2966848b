"""Random rotations."""

import torch
from torch import Tensor


def random_rotation(size: int, generator: torch.Generator) -> Tensor:
    """A uniformly drawn orthogonal matrix, float64 [size, size], on the CPU."""
    q, r = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    uniform: Tensor = q * torch.where(r.diagonal() < 0, -1.0, 1.0)
    return uniform
