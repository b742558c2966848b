"""Eigenvectors of a normalised graph, the same however rounding falls, also where the graph falls into parts."""

import torch
from torch import Tensor

from hashbench.util.pca import fixed_signs

CONSTANT_TOLERANCE = 1e-9  # below 1, from which on an eigenvalue is that of the parts' constants
NOISE = 1e-9  # entries of eigenvectors, as long as 1, that rounding alone makes


def graph_spectrum(graph: Tensor, root: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The largest eigenvalues of D^-1/2 W D^-1/2 behind the first, and their eigenvectors.

    The first, D^1/2 1, is left out: it is the same for all items. 1 is an eigenvalue once for each part of the graph
    that nothing joins to the others. Eigenvectors of one eigenvalue are any basis, and which one a library finds
    depends on rounding, so on the number of threads; here it is one that is drawn. An entry that is 0 but for
    rounding, in a part that an eigenvector does not reach, is 0.

    Args:
        graph: W, float64 [m, m], symmetric.
        root: D^-1/2, float64 [m], so that eigenvalues are at most 1; 0 where a row of W is.
        count: eigenvectors wanted, fewer than m.
        generator: on the CPU; draws the same whatever the graph.

    Returns:
        Float64 [count] eigenvalues, falling, and [m, count] eigenvectors as long as 1, their signs fixed.
    """
    values, vectors = torch.linalg.eigh(root[:, None] * graph * root)
    values, vectors = values.flip(0), vectors.flip(1)
    constant = values > 1 - CONSTANT_TOLERANCE
    first = torch.where(root > 0, root.clamp(min=1e-300).reciprocal(), 0.0)
    first = first / torch.linalg.vector_norm(first).clamp(min=1e-300)
    drawn = torch.randn(len(root), count, generator=generator, dtype=torch.float64).to(root.device)
    constants = vectors * constant
    within = constants @ (constants.T @ drawn) - torch.outer(first, first @ drawn)
    basis = torch.linalg.qr(within).Q
    chosen = torch.where(constant[1 : count + 1], basis, vectors[:, 1 : count + 1])
    return values[1 : count + 1], fixed_signs(torch.where(chosen.abs() < NOISE, 0.0, chosen))
