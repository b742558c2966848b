"""The rotation of projections that loses least by the sign (iterative quantisation)."""

import torch
from torch import Tensor


def quantising_rotation(v: Tensor, rotation: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """R that makes ||sgn(V R) - V R||^2 small, and that objective, each time before R is renewed.

    From a start R, B and R are optimal for each other in turn (Gong and Lazebnik 2011, section 2.2): B = sgn(V R) in
    {-1, +1}, sgn(0) = +1; with B^T V = S Omega S'^T, R = S' S^T. So the objective never rises. ``methods/itq.py`` has
    the same by itself.

    Args:
        v: float64 [n, bits], the projections V.
        rotation: float64 [bits, bits], orthogonal, the start.
        iterations: 0 or more.

    Returns:
        R [bits, bits] and the objectives [iterations].
    """
    constant = v.numel() + v.square().sum()
    objectives = torch.empty(iterations, dtype=v.dtype, device=v.device)
    rotated = torch.empty_like(v)
    for iteration in range(iterations):
        torch.mm(v, rotation, out=rotated)
        signs = rotated.ge_(0).mul_(2).sub_(1)
        correlation = v.T @ signs
        objectives[iteration] = constant - 2 * (rotation * correlation).sum()
        left, _, right = torch.linalg.svd(correlation)
        rotation = left @ right  # correlation = S' Omega S^T: torch gives S^T itself, not S
    return rotation, objectives
