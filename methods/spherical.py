"""SpH: spherical hashing, a bit says on which side of a hypersphere an item lies."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.shallow.kmeans import drawn_rows, squared_distances
from hashbench.util.pca import column_means

POINTS_PER_START = 5


class SphericalHashing(HashMethod):
    """Bit k is whether ||x - p_k|| <= t_k (Heo et al. 2012, section 3).

    Centres and radii are such that every sphere holds half of the training items and every two share a quarter
    (equations 3 and 4). From centres that are means of five random items, in turn (section 3.3): t_k becomes the
    median distance to p_k; o_ij counts the items in both spheres i and j, and each pair pushes its centres apart or
    together by the force f_ij = (p_i - p_j) (o_ij - m/4) / (m/4) / 2 (equation 6), whose mean over j moves p_i. It ends
    when the mean of |o_ij - m/4| is at most ``mean_tolerance`` m/4 and their standard deviation at most
    ``deviation_tolerance`` m/4, by default the paper's .10 and .15.

    ``samples`` items, drawn at random, are used, as in the paper. Codes are searched by Hamming distance; the paper's
    spherical Hamming distance is another ranking of the same codes.

    Args:
        bits: any number.
        iterations: at most so many; the paper goes on until the tolerances are met.
        samples: items drawn to learn from; the paper has 10,000 to 20,000.
        mean_tolerance, deviation_tolerance: the paper's .10 and .15.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(zero_is_one=True, paper="Heo, Lee, He, Chang and Yoon, Spherical hashing, CVPR 2012")

    def __init__(
        self,
        bits: int,
        iterations: int = 100,
        samples: int = 10_000,
        mean_tolerance: float = 0.10,
        deviation_tolerance: float = 0.15,
    ) -> None:
        super().__init__(bits)
        for name, value in (("iterations", iterations), ("samples", samples)):
            if value < 1:
                raise ValueError(f"spherical: {name} is {value}, wanted 1 or more")
        for name, share in (("mean_tolerance", mean_tolerance), ("deviation_tolerance", deviation_tolerance)):
            if not share > 0:
                raise ValueError(f"spherical: {name} is {share}, wanted a number above 0")
        self.iterations, self.samples = iterations, samples
        self.mean_tolerance, self.deviation_tolerance = mean_tolerance, deviation_tolerance

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.mean_ = column_means(train.features)
        chosen = drawn_rows(len(train), self.samples, run.generator).to(run.device)
        x = train.features[chosen].double() - self.mean_
        starts = torch.randint(len(x), (self.bits, POINTS_PER_START), generator=run.generator).to(run.device)
        centres, quarter = x[starts].mean(1), len(x) / 4
        for iteration in range(self.iterations):
            inside, _ = spheres(x, centres)
            shared = inside.T @ inside - quarter
            mean, deviation = overlap_statistics(shared)
            run.log_epoch(iteration + 1, self.iterations, mean=mean / quarter, deviation=deviation / quarter)
            if bool((mean <= self.mean_tolerance * quarter) & (deviation <= self.deviation_tolerance * quarter)):
                break
            centres = pushed_apart(centres, shared / quarter)
        self.centres_, self.radii_ = centres, spheres(x, centres)[1]
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) >= 0

    def project(self, batch: Tensor) -> Tensor:
        """t_k^2 - ||x - p_k||^2."""
        return self.radii_ - squared_distances(batch.double() - self.mean_, self.centres_)


def spheres(x: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Which items lie in which sphere, float64 [n, bits] of 0 and 1, and the squared radii, float64 [bits].

    The radius is the median distance: of an even number of items the lower one, so that half lie inside.
    """
    distances = squared_distances(x, centres)
    radii = distances.median(0).values
    return (distances <= radii).double(), radii


def overlap_statistics(shared: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of |o_ij - m/4| and standard deviation of o_ij over the pairs i < j; zeros where there is no pair."""
    upper = torch.triu(torch.ones_like(shared, dtype=torch.bool), 1)
    values = shared[upper]
    if not len(values):
        return shared.new_zeros(()), shared.new_zeros(())
    return values.abs().mean(), values.std(correction=0)


def pushed_apart(centres: Tensor, excess: Tensor) -> Tensor:
    """The centres moved by the mean force on each: (1 / bits) sum over j of (p_i - p_j) excess_ij / 2."""
    weights = excess.clone().fill_diagonal_(0) / 2
    return centres + (weights.sum(1, keepdim=True) * centres - weights @ centres) / len(centres)
