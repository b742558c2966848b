"""K-means in float64 and in blocks, and distances to a few centres, on the device of the rows."""

import torch
from torch import Tensor

CHUNK_ROWS = 8192  # held in float64 at a time


def drawn_rows(count: int, wanted: int, generator: torch.Generator) -> Tensor:
    """Ascending int64 [min(wanted, count)] on the CPU, drawn without replacement from 0 .. count - 1."""
    return torch.randperm(count, generator=generator)[:wanted].sort().values


def squared_distances(x: Tensor, centres: Tensor) -> Tensor:
    """Float64 [n, k], at least 0: of each row of ``x`` [n, d] to each of ``centres`` [k, d], float64 both."""
    products = torch.addmm(centres.square().sum(1), x, centres.T, beta=1, alpha=-2)
    return products.add_(x.square().sum(1, keepdim=True)).clamp_(min=0)


def nearest_centres(x: Tensor, mean: Tensor, centres: Tensor) -> Tensor:
    """Int64 [n], the nearest centre of each row; ties go to the first.

    Args:
        x: float32 [n, d].
        mean: float64 [d], subtracted from the rows.
        centres: float64 [k, d], relative to the mean.
    """
    nearest = torch.empty(len(x), dtype=torch.int64, device=x.device)
    for start in range(0, len(x), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        nearest[rows] = squared_distances(x[rows].double() - mean, centres).argmin(1)
    return nearest


def kmeans(
    x: Tensor, mean: Tensor, clusters: int, iterations: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm from ``clusters`` rows drawn at random.

    Args:
        x: float32 [n, d].
        mean: float64 [d], subtracted from the rows, so that distances lose no digits to it.
        clusters: wanted number of centres; fewer rows give as many centres as there are rows.
        iterations: of assignment and means.
        generator: on the CPU.

    Returns:
        Centres relative to the mean, float64 [k, d] (one without rows stays where it was), and the number of rows of
        each at the last assignment, float64 [k].
    """
    start = drawn_rows(len(x), clusters, generator).to(x.device)
    centres = x[start].double() - mean
    counts = torch.zeros(len(centres), dtype=torch.float64, device=x.device)
    for _ in range(iterations):
        sums = torch.zeros_like(centres)
        counts.zero_()
        for first in range(0, len(x), CHUNK_ROWS):
            rows = x[first : first + CHUNK_ROWS].double() - mean
            member = torch.nn.functional.one_hot(squared_distances(rows, centres).argmin(1), len(centres)).double()
            sums.addmm_(member.T, rows)  # not index_add_, whose order on a GPU is not fixed
            counts += member.sum(0)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centres)
    return centres, counts
