"""DSH: density-sensitive hashing, bits are the most balanced planes between neighbouring groups."""

import math
from typing import Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible
from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.shallow.kmeans import kmeans, squared_distances
from hashbench.util.pca import column_means


class DensitySensitiveHashing(HashMethod):
    """Density sensitive hashing (Jin, Li, Lin and Cai 2014).

    K-means with ``groups_per_bit`` bits groups (alpha = 1.5) and few iterations (p = 3) describes the density. Between
    each two groups of which one is among the other's ``adjacent`` nearest (r = 3) lies a plane half way:
    w = mu_i - mu_j, t = w^T (mu_i + mu_j) / 2 (equation 5). Of these the ``bits`` with the largest entropy
    -P0 log P0 - P1 log P1 are taken, P0 and P1 the shares of items whose group's centre lies on either side
    (equation 7); ties go to the plane of the earlier groups. A bit is sgn(w^T x - t).

    Args:
        bits: at most as many as there are planes.
        groups_per_bit: alpha; the paper's 1.5.
        iterations: of k-means, p; the paper's 3.
        adjacent: r; the paper's 3.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        zero_is_one=True, paper="Jin, Li, Lin and Cai, Density sensitive hashing, IEEE Transactions on Cybernetics 2014"
    )

    def __init__(self, bits: int, groups_per_bit: float = 1.5, iterations: int = 3, adjacent: int = 3) -> None:
        super().__init__(bits)
        if not 0 < groups_per_bit < math.inf:
            raise ValueError(f"dsh: groups_per_bit is {groups_per_bit}, wanted a number above 0")
        for name, value in (("iterations", iterations), ("adjacent", adjacent)):
            if value < 1:
                raise ValueError(f"dsh: {name} is {value}, wanted 1 or more")
        self.groups_per_bit, self.iterations, self.adjacent = groups_per_bit, iterations, adjacent

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = column_means(x)
        groups = math.ceil(self.groups_per_bit * self.bits)
        centres, sizes = kmeans(x, self.mean_, groups, self.iterations, run.generator)
        directions, thresholds = middle_planes(centres, self.adjacent)
        if directions.shape[1] < self.bits:
            raise Incompatible(
                f"{self.bits} bits need as many planes between groups, {len(centres)} groups of {len(train)} items "
                f"have {directions.shape[1]}"
            )
        entropy = plane_entropy(centres, sizes, directions, thresholds)
        best = entropy.argsort(descending=True, stable=True)[: self.bits]
        self.directions_, self.thresholds_ = directions[:, best].contiguous(), thresholds[best]
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.directions_, self.thresholds_)


def middle_planes(centres: Tensor, adjacent: int) -> tuple[Tensor, Tensor]:
    """Directions, float64 [d, planes], and thresholds [planes] of the planes between adjacent groups."""
    distances = squared_distances(centres, centres).fill_diagonal_(math.inf)
    near = distances.topk(min(adjacent, len(centres) - 1), dim=1, largest=False).indices
    adjacency = torch.zeros_like(distances, dtype=torch.bool).scatter_(1, near, True)
    first, second = torch.triu(adjacency | adjacency.T, 1).nonzero().T
    directions = (centres[first] - centres[second]).T
    thresholds = (directions * (centres[first] + centres[second]).T / 2).sum(0)
    return directions, thresholds


def plane_entropy(centres: Tensor, sizes: Tensor, directions: Tensor, thresholds: Tensor) -> Tensor:
    """Float64 [planes], in nats: how evenly each plane halves the items, judged by their groups' centres.

    It is computed of the smaller half, so that planes that halve alike are equal to the last digit.
    """
    number = sizes.sum()
    above = sizes @ (centres @ directions >= thresholds).double()
    smaller = torch.minimum(above, number - above) / number
    entropy: Tensor = torch.special.entr(smaller) + torch.special.entr(1 - smaller)
    return entropy
