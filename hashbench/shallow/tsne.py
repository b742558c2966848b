"""t-SNE of a few points in float64, exact, in as many dimensions as one likes."""

import math

import torch
from torch import Tensor

from hashbench.shallow.kmeans import squared_distances

ITERATIONS, EXAGGERATED_ITERATIONS, SLOW_ITERATIONS = 1_000, 100, 250
EXAGGERATION, RATE = 4.0, 500.0
SLOW_MOMENTUM, MOMENTUM = 0.5, 0.8
START_DEVIATION, LEAST_GAIN = 1e-4, 0.01
BISECTIONS = 100


def tsne(x: Tensor, dimensions: int, perplexity: float, generator: torch.Generator) -> Tensor:
    """Embedding of the rows of ``x``, float64 [m, dimensions], with mean 0 (van der Maaten and Hinton, JMLR 2008).

    The similarity of embedded points is 1 / (1 + distance^2), Student's t with one degree of freedom whatever the
    number of dimensions, as in the authors' code. (scikit-learn takes dimensions - 1 degrees: with many it is a
    Gaussian again, which crowds the points.) Gradient descent is theirs, too, with its constants.

    Args:
        x: float64 [m, d].
        dimensions: of the embedding.
        perplexity: effective number of neighbours; cut off at a third of the other points.
        generator: on the CPU; gives the start.
    """
    wanted = joint_similarities(x, min(perplexity, (len(x) - 1) / 3))
    start = torch.randn(len(x), dimensions, generator=generator, dtype=torch.float64) * START_DEVIATION
    y = start.to(x.device)
    velocity, gains = torch.zeros_like(y), torch.ones_like(y)
    for iteration in range(ITERATIONS):
        slope = gradient(y, wanted * EXAGGERATION if iteration < EXAGGERATED_ITERATIONS else wanted)
        gains = torch.where((slope > 0) == (velocity > 0), gains * 0.8, gains + 0.2).clamp_(min=LEAST_GAIN)
        velocity = velocity * (SLOW_MOMENTUM if iteration < SLOW_ITERATIONS else MOMENTUM) - RATE * gains * slope
        y = y + velocity
        y = y - y.mean(0)
    return y


def joint_similarities(x: Tensor, perplexity: float) -> Tensor:
    """P, float64 [m, m], symmetric, with sum 1: Gaussian, of a width that gives each row this perplexity."""
    distances = squared_distances(x, x).fill_diagonal_(math.inf)
    distances -= distances.amin(1, keepdim=True)  # the nearest has weight 1, so none underflows to a sum of zero
    precision = torch.ones(len(x), 1, dtype=torch.float64, device=x.device)
    precision /= distances.masked_fill(distances.isinf(), 0).mean(1, keepdim=True).clamp(min=1e-300)
    low, high = torch.zeros_like(precision), torch.full_like(precision, math.inf)
    for _ in range(BISECTIONS):
        rows = torch.softmax(-distances * precision, dim=1)
        wide = torch.special.entr(rows).sum(1, keepdim=True) > math.log(perplexity)
        low, high = torch.where(wide, precision, low), torch.where(wide, high, precision)
        # Equally far neighbours keep their entropy at any width: the precision stays finite.
        precision = torch.where(high.isinf(), precision * 2, (low + high) / 2).clamp(max=1e300)
    rows = torch.softmax(-distances * precision, dim=1)
    return (rows + rows.T) / (2 * len(x))


def gradient(y: Tensor, wanted: Tensor) -> Tensor:
    """Of the Kullback-Leibler divergence of the embedding's similarities from ``wanted`` [m, m], as [m, dimensions]."""
    similar = (1 / (1 + squared_distances(y, y))).fill_diagonal_(0)
    forces = 4 * (wanted - similar / similar.sum(1).sum()) * similar
    return forces.sum(1, keepdim=True) * y - forces @ y
