"""SGH: scalable graph hashing, whose graph of all pairs is never formed."""

import math
from typing import Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.shallow.kmeans import CHUNK_ROWS, drawn_rows, squared_distances
from hashbench.util.pca import column_means, fixed_signs


class ScalableGraphHashing(HashMethod):
    """Scalable graph hashing with feature transformation (Jiang and Li 2015).

    The similarity 2 exp(-||x - y||^2 / rho) - 1 of all pairs is P(x)^T Q(y) with d + 2 dimensions (equation 3), so
    that products with it cost n d. Bits are sgn(W^T K(x)), K [bases] a Gaussian kernel to items drawn at random, less
    its mean. They minimise ||bits S - sgn(K W) sgn(K W)^T||^2 one after the other: w_t is the leading generalised
    eigenvector of K^T R K against K^T K + gamma I, R what the bits so far leave of bits S (equations 6 to 8); then
    each bit is renewed once against all others, in a random order (section 3.4).

    Items are centred and divided by their mean length; the kernel's width is the mean squared distance to the bases.

    Args:
        bits: at most as many as there are bases.
        bases: items behind the kernel; the paper's 300.
        rho: width of the similarity; the paper's 2.
        gamma: the paper's 1e-6.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        zero_is_one=True, paper="Jiang and Li, Scalable graph hashing with feature transformation, IJCAI 2015"
    )

    def __init__(self, bits: int, bases: int = 300, rho: float = 2.0, gamma: float = 1e-6) -> None:
        super().__init__(bits)
        if bases < 1:
            raise ValueError(f"sgh: bases is {bases}, wanted 1 or more")
        for name, value in (("rho", rho), ("gamma", gamma)):
            if not 0 < value < math.inf:
                raise ValueError(f"sgh: {name} is {value}, wanted a number above 0")
        self.bases, self.rho, self.gamma = bases, rho, gamma

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = column_means(x)
        if self.bits > min(self.bases, len(x)):
            raise Incompatible(f"{self.bits} bits need as many bases, there are {min(self.bases, len(x))}")
        self.scale_ = mean_length(x, self.mean_)
        chosen = drawn_rows(len(x), self.bases, run.generator).to(x.device)
        self.bases_ = self._scaled(x[chosen])
        self.width_, self.kernel_mean_ = self._kernel_statistics(x)
        order = torch.randperm(self.bits, generator=run.generator).tolist()
        self.weights_ = self._learnt(x, order)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) >= 0

    def project(self, batch: Tensor) -> Tensor:
        return self._kernel(self._scaled(batch)) @ self.weights_

    def _scaled(self, batch: Tensor) -> Tensor:
        return (batch.double() - self.mean_) / self.scale_

    def _kernel(self, scaled: Tensor) -> Tensor:
        """K, float64 [n, bases]."""
        return torch.exp(-squared_distances(scaled, self.bases_) / (2 * self.width_)) - self.kernel_mean_

    def _kernel_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean squared distance to the bases, and the mean kernel [bases], float64."""
        total = torch.zeros((), dtype=torch.float64, device=x.device)
        for start in range(0, len(x), CHUNK_ROWS):
            total += squared_distances(self._scaled(x[start : start + CHUNK_ROWS]), self.bases_).sum()
        self.width_ = (total / (len(x) * len(self.bases_))).clamp(min=torch.finfo(torch.float64).tiny)
        self.kernel_mean_ = torch.zeros(len(self.bases_), dtype=torch.float64, device=x.device)
        mean = torch.zeros_like(self.kernel_mean_)
        for start in range(0, len(x), CHUNK_ROWS):
            mean += self._kernel(self._scaled(x[start : start + CHUNK_ROWS])).sum(0)
        return self.width_, mean / len(x)

    def _learnt(self, x: Tensor, order: list[int]) -> Tensor:
        """W, float64 [bases, bits]: one bit after the other, then each again in this order.

        The kernel of all items is kept, since every step reads it: 2,400 bytes an item with 300 bases.
        """
        kernel = x.new_empty(len(x), len(self.bases_), dtype=torch.float64)
        gram, similarity = self._products(x, kernel)
        factor = torch.linalg.cholesky(gram + self.gamma * torch.eye(len(gram), dtype=gram.dtype, device=gram.device))
        weights = torch.zeros(len(gram), self.bits, dtype=torch.float64, device=x.device)
        through = torch.zeros_like(weights)  # K^T b of each bit
        residual = self.bits * similarity
        for bit in [*range(self.bits), *order]:
            residual += torch.outer(through[:, bit], through[:, bit])
            weights[:, bit] = leading_direction(residual, factor)
            through[:, bit] = through_signs(kernel, weights[:, bit])
            residual -= torch.outer(through[:, bit], through[:, bit])
        return weights

    def _products(self, x: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """K^T K and K^T S K, float64 [bases, bases], S = P Q^T; fills ``kept`` with K, float64 [n, bases]."""
        size, width = len(self.bases_), x.shape[1] + 2
        gram = torch.zeros(size, size, dtype=torch.float64, device=x.device)
        left = torch.zeros(size, width, dtype=torch.float64, device=x.device)
        for start in range(0, len(x), CHUNK_ROWS):
            scaled = self._scaled(x[start : start + CHUNK_ROWS])
            kernel = self._kernel(scaled)
            kept[start : start + CHUNK_ROWS] = kernel
            gram.addmm_(kernel.T, kernel)
            left.addmm_(kernel.T, similarity_features(scaled, self.rho))
        right = left.clone()
        right[:, -1] *= -1  # Q differs from P in the sign of its constant
        return gram, left @ right.T


def mean_length(x: Tensor, mean: Tensor) -> Tensor:
    """Float64 scalar: the mean length of the centred rows; 1 where all are zero."""
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    for start in range(0, len(x), CHUNK_ROWS):
        total += (x[start : start + CHUNK_ROWS].double() - mean).norm(dim=1).sum()
    return torch.where(total > 0, total / len(x), 1.0)


def through_signs(kernel: Tensor, direction: Tensor) -> Tensor:
    """K^T sgn(K w), float64 [bases], of K [n, bases] and w [bases]."""
    total = torch.zeros(len(direction), dtype=torch.float64, device=kernel.device)
    for start in range(0, len(kernel), CHUNK_ROWS):
        rows = kernel[start : start + CHUNK_ROWS]
        total += rows.T @ ((rows @ direction >= 0).double() * 2 - 1)
    return total


def similarity_features(x: Tensor, rho: float) -> Tensor:
    """P(x), float64 [n, d + 2], such that P(x)^T Q(y) is near 2 exp(-||x - y||^2 / rho) - 1 (equation 3)."""
    decay = torch.exp(-x.square().sum(1, keepdim=True) / rho)
    linear = math.sqrt(2 * (math.e**2 - 1) / (math.e * rho)) * decay * x
    constant = math.sqrt((math.e**2 + 1) / math.e) * decay
    return torch.cat([linear, constant, torch.ones_like(decay)], dim=1)


def leading_direction(matrix: Tensor, factor: Tensor) -> Tensor:
    """The w of the largest eigenvalue of ``matrix`` w = eigenvalue L L^T w, L = ``factor`` lower triangular.

    Its entry of largest magnitude is positive.
    """
    half = torch.linalg.solve_triangular(factor, matrix, upper=False)
    whole = torch.linalg.solve_triangular(factor, half.T, upper=False)
    vector = torch.linalg.eigh((whole + whole.T) / 2).eigenvectors[:, -1:]
    return fixed_signs(torch.linalg.solve_triangular(factor.T, vector, upper=True))[:, 0]
