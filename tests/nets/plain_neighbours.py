"""Neighbours and BGAN's matrix S by their definitions, in plain Python, and features that make all of it tie."""

import torch
from torch import Tensor


def cosine_order(features: Tensor) -> list[list[int]]:
    """All others of each item, nearest first, equals by index."""
    x = features.double()
    norms = x.norm(dim=1)
    order = []
    for i in range(len(x)):
        ranked = []
        for j in range(len(x)):
            cosine = float(x[i] @ x[j] / (norms[i] * norms[j])) if norms[i] and norms[j] else 0.0
            if j != i:
                ranked.append((-cosine, j))
        order.append([j for _, j in sorted(ranked)])
    return order


def structure(features: Tensor, k1: int, k2: int, expansion: bool = True) -> Tensor:
    """S, float32 [n, n], word for word, on sets."""
    n = len(features)
    near = [{i, *others[:k1]} for i, others in enumerate(cosine_order(features))]
    s = -torch.ones(n, n)
    for i in range(n):
        ranked = sorted(
            (j for j in range(n) if j != i and near[i] & near[j]), key=lambda j: (-len(near[i] & near[j]), j)
        )
        joined = [i, *ranked[: k2 - 1]] if expansion else [i]
        for j in set().union(*(near[k] for k in joined)):
            s[i, j] = s[j, i] = 1
    return s


def tied_features(generator: torch.Generator) -> Tensor:
    """40 vectors of -1 and +1 in 4 dimensions: all cosines exact, most of them tied, many vectors equal."""
    return torch.randint(0, 2, (40, 4), generator=generator).float() * 2 - 1
