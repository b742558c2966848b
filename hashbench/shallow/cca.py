"""Canonical correlation of features with labels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hashbench.util.pca import column_means, fixed_signs

CHUNK_ROWS = 8192  # held in float64 at a time
NO_CORRELATION = 1e-6  # one that is smaller is rounding noise


@dataclass(frozen=True)
class CanonicalDirections:
    """The directions of feature space that tell most about labels, by falling correlation.

    Attributes:
        mean: float64 [d], of the features.
        directions: float64 [d, min(d, classes)]; a column without correlation is zero, in the others the entry of
            largest magnitude is positive.
        correlations: float64 [min(d, classes)], 0 to 1.
    """

    mean: Tensor
    directions: Tensor
    correlations: Tensor


def canonical_directions(x: Tensor, labels: Tensor, regularisation: float) -> CanonicalDirections:
    """Solve Cxy (Cyy + r I)^-1 Cyx w = rho^2 (Cxx + r I) w, w^T (Cxx + r I) w = 1, C the covariances of X and Y.

    Args:
        x: finite float32 [n, d].
        labels: bool [n, classes], multi-hot, on the same device.
        regularisation: r, 0 or more; 0 leaves out directions without variance.
    """
    features, classes = column_means(x), column_means(labels)
    within = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64, device=x.device)
    across = torch.zeros(x.shape[1], labels.shape[1], dtype=torch.float64, device=x.device)
    among = torch.zeros(labels.shape[1], labels.shape[1], dtype=torch.float64, device=x.device)
    for start in range(0, len(x), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        centred, indicators = x[rows].double() - features, labels[rows].double() - classes
        within.addmm_(centred.T, centred, alpha=1 / len(x))
        across.addmm_(centred.T, indicators, alpha=1 / len(x))
        among.addmm_(indicators.T, indicators, alpha=1 / len(x))
    whitening = _inverse_root(within, regularisation)
    left, correlations, _ = torch.linalg.svd(
        whitening @ across @ _inverse_root(among, regularisation), full_matrices=False
    )
    correlations = torch.where(correlations > NO_CORRELATION, correlations, 0.0)
    return CanonicalDirections(features, whitening @ fixed_signs(left) * (correlations > 0), correlations)


def _inverse_root(covariance: Tensor, regularisation: float) -> Tensor:
    """(C + r I)^-1/2, zero in directions whose variance is rounding noise where r does not cover it."""
    values, vectors = torch.linalg.eigh(covariance)
    noise = len(values) * torch.finfo(values.dtype).eps * values[-1].clamp_min(0)
    positive = values.clamp_min(0) + regularisation
    root: Tensor = vectors * torch.where(positive > noise, positive, torch.inf).rsqrt() @ vectors.T
    return root
