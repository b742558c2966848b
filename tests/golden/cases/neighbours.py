"""BGAN's matrix S and its rows: which pairs of stored features are similar, exactly."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from hashbench.nets.diffusion import diffusion_structure
from hashbench.nets.nearest import nearest
from hashbench.nets.neighbours import Similarity, neighbourhood_structure
from tests.golden.golden import add
from tests.golden.inputs import stored
from tests.golden.values import Exact, Result, array_of

COUNTS = {"expansion": (6, 8, True), "plain": (6, 8, False), "wide": (20, 30, True)}


def pairs(structure: Callable[[Tensor], Similarity]) -> dict[str, Result]:
    """All pairs of S that are +1, a block of it, and neighbours drawn for a batch."""
    similarity = structure(stored("features"))
    rows = torch.arange(0, 240, 24)
    drawn = similarity.neighbours_of(rows, 3, torch.Generator().manual_seed(2))
    matrix = torch.zeros(240 * 240, dtype=torch.bool)
    matrix[similarity.keys] = True
    packed = Exact(np.packbits(array_of(matrix.view(240, 240)), axis=1))
    return {"matrix": packed, "block": Exact(array_of(similarity.block(rows) > 0)), "drawn": Exact(array_of(drawn))}


def order() -> dict[str, Result]:
    """The neighbours of each item, nearest first; the features have equal items."""
    features = stored("features")
    features[100:110] = features[:10]
    return {"columns": Exact(array_of(nearest(features, 5)))}


def of_counts(k1: int, k2: int, expansion: bool) -> dict[str, Result]:
    """S of nearest neighbours, with the shared ones or without."""
    return pairs(lambda features: neighbourhood_structure(features, k1, k2, expansion))


def diffused() -> dict[str, Result]:
    """S by diffusion."""
    return pairs(lambda features: diffusion_structure(features, 5, 12))


for case, given in COUNTS.items():
    add(f"neighbours/{case}", partial(of_counts, *given), "nets")
add("neighbours/diffusion", diffused, "nets")
add("neighbours/order", order, "nets")
