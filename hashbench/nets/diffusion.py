"""A neighbourhood matrix S by diffusion over the graph of nearest neighbours."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from hashbench.nets.nearest import nearest
from hashbench.nets.neighbours import Similarity, symmetric_keys

LEAST_ITEMS = 16  # for each item that is similar to one: in a small set, hundreds would be all of its class and more
CHUNK_ITEMS = 512  # items diffused at a time: memory holds 3 x n x CHUNK_ITEMS numbers of 8 bytes


def diffusion_structure(features: Tensor, k: int, similar: int, alpha: float = 0.9, steps: int = 20) -> Similarity:
    """S by manifold ranking (Zhou et al., Ranking on data manifolds, NIPS 2003), cut off after ``steps`` steps.

    A_ij = 1 where j is among the ``k`` nearest neighbours of i by cosine, or i among those of j; D has A's row sums;
    W = D^-1/2 A D^-1/2 and R = sum over t = 0 ... steps of (alpha W)^t. S_ij = S_ji = +1 for i = j and where R_ij is
    among the ``similar`` largest of row i off the diagonal, among equals the lower index first; -1 elsewhere, and
    where no path of the graph joins i and j.

    Args:
        features: float [n, d], finite; taken as they are, so centre them first if need be.
        k: 1 to n - 1.
        similar: 1 or more; at most a sixteenth of all items is taken, but ``k`` in any case.
        alpha: above 0 and below 1.
        steps: 1 or more.

    Returns:
        S on the device of ``features``. Time grows with n^2 k steps, memory with n (similar + CHUNK_ITEMS).

    Raises:
        ValueError: see :func:`hashbench.nets.nearest.nearest`.
    """
    n = len(features)
    similar = min(similar, max(k, n // LEAST_ITEMS))
    walk = _normalised_graph(nearest(features, k).cpu().numpy())
    columns, lengths = [], []
    for start in range(0, n, CHUNK_ITEMS):
        items = np.arange(start, min(n, start + CHUNK_ITEMS))
        chosen = _largest(_diffused(walk, items, alpha, steps), items, similar)
        columns.append(np.nonzero(chosen)[1])
        lengths.append(chosen.sum(1))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    ones = np.ones(int(starts[-1]), dtype=np.int8)
    found = sparse.csr_array((ones, np.concatenate(columns), starts), shape=(n, n))
    return Similarity(torch.from_numpy(symmetric_keys(found)).to(features.device), n)


def _normalised_graph(neighbours: npt.NDArray[Any]) -> Any:
    n, k = neighbours.shape
    directed = sparse.csr_array((np.ones(n * k), neighbours.ravel(), np.arange(n + 1) * k), shape=(n, n))
    graph = directed.maximum(directed.T)
    scale = sparse.diags_array(1 / np.sqrt(graph.sum(1)))
    return (scale @ graph @ scale).tocsr()


def _diffused(walk: Any, items: npt.NDArray[Any], alpha: float, steps: int) -> npt.NDArray[np.float64]:
    """The rows ``items`` of R, [len(items), n]; R is symmetric."""
    spread = np.zeros((walk.shape[0], len(items)))
    spread[items, np.arange(len(items))] = 1.0
    total = spread.copy()
    for _ in range(steps):
        spread = alpha * (walk @ spread)
        total += spread
    return total.T


def _largest(scores: npt.NDArray[np.float64], items: npt.NDArray[Any], similar: int) -> npt.NDArray[np.bool_]:
    """Bool of the shape of ``scores``: the diagonal, and each row's ``similar`` largest above 0 off it."""
    rows, n = np.arange(len(items)), scores.shape[1]
    scores = scores.copy()
    scores[rows, items] = 0.0
    wanted = min(similar, n - 1)
    least = np.partition(scores, n - wanted, axis=1)[:, n - wanted, None]
    above, equal = scores > least, (scores == least) & (scores > 0)
    chosen: npt.NDArray[np.bool_] = above | (equal & (np.cumsum(equal, 1) <= wanted - above.sum(1, keepdims=True)))
    chosen[rows, items] = True
    return chosen
