"""IsoHash: principal components, rotated so that all have the same variance."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.shallow.rotation import random_rotation
from hashbench.util.pca import fixed_signs, principal_axes


class IsoHash(HashMethod):
    """Isotropic hashing (Kong and Li 2012, section 3.1), by lift and projection.

    Lambda = diag(variances) of the ``bits`` leading principal components. Sought is a rotation Q [bits, bits] with
    diag(Q^T Lambda Q) = (a, ..., a), a = tr(Lambda) / bits. From a random rotation, in turn (equations 4 and 5):
    Z = Q^T Lambda Q with its diagonal set to a; Z = Q^T diag(eigenvalues) Q, of which Q is kept and the eigenvalues
    are put back to Lambda. Both steps are projections, so the distance between the two sets never rises. A new item
    has the bits sgn((x - mean) W Q).

    Args:
        bits: at most the dimension of the features.
        iterations: of both steps; the paper's 100.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(zero_is_one=True, paper="Kong and Li, Isotropic hashing, NIPS 2012")

    def __init__(self, bits: int, iterations: int = 100) -> None:
        super().__init__(bits)
        if iterations < 0:
            raise ValueError(f"isohash: iterations is {iterations}, wanted 0 or more")
        self.iterations = iterations

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        principal = principal_axes(train.features, self.bits)
        variances = principal.project(train.features).square().mean(0).sort(descending=True).values
        start = random_rotation(self.bits, run.generator).to(variances.device)
        rotation, distances = isotropic_rotation(variances, start, self.iterations)
        for iteration, distance in enumerate(distances.tolist(), 1):
            run.log_epoch(iteration, self.iterations, objective=distance)
        self.mean_ = principal.mean
        self.projection_ = principal.axes @ rotation
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.projection_)


def isotropic_rotation(variances: Tensor, rotation: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Q [bits, bits] and, before each iteration, the distance ||diag(Q^T Lambda Q) - a||.

    Args:
        variances: float64 [bits], falling.
        rotation: float64 [bits, bits], the start.
        iterations: how often both projections are made.
    """
    mean = variances.mean()
    distances = torch.empty(iterations, dtype=variances.dtype, device=variances.device)
    for iteration in range(iterations):
        lifted = rotation.T * variances @ rotation
        distances[iteration] = (lifted.diagonal() - mean).norm()
        lifted.diagonal().fill_(mean)
        falling = torch.linalg.eigh(lifted).eigenvectors.flip(1)  # as the variances
        rotation = fixed_signs(falling).T
    return rotation, distances
