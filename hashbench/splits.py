"""Draws that make protocols: seeded by constants of the protocol, never by a run."""

import numpy as np
import numpy.typing as npt

from hashbench.dataset import Items


def draw_per_class(classes: npt.NDArray[np.int64], count: int, rng: np.random.Generator) -> Items:
    """``count`` positions of every class, drawn without replacement, in random order.

    Args:
        classes: int64 [n], the class of each candidate.
        count: how many of each class.
        rng: the protocol's own generator.

    Raises:
        ValueError: a class has fewer than ``count`` members.
    """
    drawn = []
    for value in np.unique(classes):
        members = np.flatnonzero(classes == value)
        if len(members) < count:
            raise ValueError(f"class {value} has {len(members)} items, wanted {count}")
        drawn.append(rng.permutation(members)[:count])
    return rng.permutation(np.concatenate(drawn)).astype(np.int64)


def all_but(n: int, taken: Items) -> Items:
    """The numbers 0 .. n-1 that are not in ``taken``, ascending."""
    free = np.ones(n, dtype=np.bool_)
    free[taken] = False
    return np.flatnonzero(free).astype(np.int64)
