"""Principal component analysis in float64, equal on all machines: fixed signs, no axes of rounding noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hashbench.errors import Incompatible

VERSION = 1  # of what it computes; tests/golden says when it goes up
CHUNK_ROWS = 8192  # held in float64 at a time
RANK_TOLERANCE = 1e-12  # a variance below this fraction of the largest counts as zero
TIE_TOLERANCE = 1e-9  # relative; entries of an axis this close in magnitude count as equal


@dataclass(frozen=True)
class PrincipalAxes:
    """The leading principal axes of a training set, by falling variance.

    Attributes:
        mean: float64 [d].
        axes: float64 [d, k], orthonormal columns. Columns without variance are zero, so that projections on them
            are exactly zero. In each column the entry of largest magnitude is positive (ties: the first).
    """

    mean: Tensor
    axes: Tensor

    def project(self, x: Tensor) -> Tensor:
        """Float64 [n, k] of ``x`` [n, d]."""
        projected = torch.empty(len(x), self.axes.shape[1], dtype=torch.float64, device=x.device)
        for start in range(0, len(x), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            torch.mm(x[rows].double() - self.mean, self.axes, out=projected[rows])
        return projected


def column_means(x: Tensor) -> Tensor:
    """Float64 [d], the mean row of ``x``, float32 [n, d]; exact in columns that are constant."""
    total = torch.zeros(x.shape[1], dtype=torch.float64, device=x.device)
    for start in range(0, len(x), CHUNK_ROWS):
        total += x[start : start + CHUNK_ROWS].double().sum(0)
    return total / len(x)


def principal_axes(x: Tensor, count: int) -> PrincipalAxes:
    """The ``count`` axes of largest variance of ``x``, float32 [n, d].

    Raises:
        Incompatible: ``count`` exceeds the dimension.
    """
    dimension = x.shape[1]
    if count > dimension:
        raise Incompatible(f"{count} bits need as many principal axes, features of {dimension} dimensions have fewer")
    mean = column_means(x)
    covariance = torch.zeros(dimension, dimension, dtype=torch.float64, device=x.device)
    for start in range(0, len(x), CHUNK_ROWS):
        centred = x[start : start + CHUNK_ROWS].double() - mean
        covariance.addmm_(centred.T, centred, alpha=1 / len(x))
    ascending, vectors = torch.linalg.eigh(covariance)
    variances, axes = ascending.flip(0)[:count], fixed_signs(vectors.flip(1)[:, :count])
    has_variance = variances > RANK_TOLERANCE * variances[0].clamp_min(0)
    return PrincipalAxes(mean, axes * has_variance)


def fixed_signs(axes: Tensor) -> Tensor:
    """Columns with the sign that makes the entry of largest magnitude positive; ties within rounding: the first."""
    magnitude = axes.abs()
    largest = (magnitude >= magnitude.amax(0) * (1 - TIE_TOLERANCE)).int().argmax(0, keepdim=True)
    return axes * torch.where(axes.gather(0, largest) < 0, -1.0, 1.0)
