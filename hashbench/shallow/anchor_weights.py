"""Rows described by Gaussian weights to their nearest anchors."""

import torch
from torch import Tensor

from hashbench.shallow.kmeans import CHUNK_ROWS, squared_distances


def anchor_bandwidth(x: Tensor, mean: Tensor, anchors: Tensor, nearest: int) -> Tensor:
    """Float64 scalar: the mean over the rows of the distance to the ``nearest``-th nearest anchor.

    Args:
        x: float32 [n, d].
        mean: float64 [d], subtracted from the rows.
        anchors: float64 [m, d], relative to the mean; m is at least ``nearest``.
        nearest: 1 or more.
    """
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    for start in range(0, len(x), CHUNK_ROWS):
        distances = squared_distances(x[start : start + CHUNK_ROWS].double() - mean, anchors)
        total += distances.kthvalue(nearest, dim=1).values.sqrt().sum()
    return total / len(x)


def anchor_weights(x: Tensor, anchors: Tensor, nearest: int, bandwidth: Tensor) -> Tensor:
    """Float64 [n, m]: exp(-distance^2 / bandwidth^2) of the ``nearest`` nearest anchors, 0 of others; rows sum to 1.

    Far rows, whose weights would all underflow, are described by their nearest anchors all the same.

    Args:
        x: float64 [n, d].
        anchors: float64 [m, d].
        nearest: how many anchors have a weight.
        bandwidth: float64 scalar; 0 weighs the nearest anchors alike.
    """
    distances, columns = squared_distances(x, anchors).topk(nearest, dim=1, largest=False)
    exponents = (distances - distances[:, :1]) / bandwidth.square().clamp(min=torch.finfo(torch.float64).tiny)
    weights = torch.softmax(-exponents, dim=1)
    return torch.zeros(len(x), len(anchors), dtype=torch.float64, device=x.device).scatter_(1, columns, weights)
