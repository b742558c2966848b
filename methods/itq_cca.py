"""ITQ-CCA: directions that correlate with the labels, rotated so that their signs lose least."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.shallow.cca import canonical_directions
from hashbench.shallow.quantisation import quantising_rotation
from hashbench.shallow.rotation import random_rotation
from hashbench.util.pca import PrincipalAxes


class ITQCCA(HashMethod):
    """b = sgn((x - mean) W Lambda R), W by canonical correlation with labels, R by iterative quantisation.

    W [d, bits] are the leading directions w_k of Cxy (Cyy + r I)^-1 Cyx w = lambda^2 (Cxx + r I) w, C the covariances
    of features X [n, d] and multi-hot labels Y [n, classes]. Each is scaled by its correlation lambda_k, Lambda =
    diag(lambda_1 ... lambda_bits), so that those which tell little about the labels count little. R minimises
    ||B - V R||^2 for V = (X - mean) W Lambda as ITQ does, B = sgn(V R).

    c classes have at most c correlated directions, c - 1 where each item has one label. Further columns of W are zero,
    and R spreads the others over all bits. The paper prints sums X^T X in place of covariances, which makes r, for n
    items, n times smaller.

    Args:
        bits: code length.
        regularisation: r, added to the diagonal of the covariances, on the scale of the features' squares; the
            paper's 1e-4.
        iterations: of R; the paper's 50.
    """

    traits = Traits(
        supervised=True,
        zero_is_one=True,
        paper="Gong, Lazebnik, Gordo and Perronnin, Iterative quantization: a Procrustean approach to learning binary "
        "codes for large-scale image retrieval, TPAMI 2013",
    )

    def __init__(self, bits: int, regularisation: float = 1e-4, iterations: int = 50) -> None:
        super().__init__(bits)
        if not 0 <= regularisation < float("inf"):
            raise ValueError(f"itq_cca: regularisation is {regularisation}, wanted a number of 0 or more")
        if iterations < 0:
            raise ValueError(f"itq_cca: iterations is {iterations}, wanted 0 or more")
        self.regularisation, self.iterations = regularisation, iterations

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        found = canonical_directions(x, train.labels, self.regularisation)
        scaled = (found.directions * found.correlations)[:, : self.bits]
        projection = x.new_zeros(x.shape[1], self.bits, dtype=torch.float64)
        projection[:, : scaled.shape[1]] = scaled
        start = random_rotation(self.bits, run.generator).to(x.device)
        v = PrincipalAxes(found.mean, projection).project(x)
        rotation, objectives = quantising_rotation(v, start, self.iterations)
        for iteration, objective in enumerate(objectives.tolist(), 1):
            run.log_epoch(iteration, self.iterations, objective=objective)
        self.mean_, self.projection_ = found.mean, projection @ rotation
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.projection_)
