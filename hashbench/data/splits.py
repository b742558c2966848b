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


def draw_per_label(labels: npt.NDArray[np.bool_], count: int, rng: np.random.Generator) -> Items:
    """``count`` positions for every label, drawn from those that bear it, none twice; in random order.

    The rarest label draws first (the first column among equals), so that the frequent ones do not use it up. An item
    with several labels counts for the one that drew it: each label ends up on at least ``count`` of the drawn.

    Args:
        labels: bool [n, labels], multi-hot, of each candidate.
        count: how many for each label.
        rng: the protocol's own generator.

    Raises:
        ValueError: fewer than ``count`` items with a label are left when it draws.
    """
    free = np.ones(len(labels), dtype=np.bool_)
    drawn = []
    for label in np.argsort(labels.sum(axis=0), kind="stable"):
        members = np.flatnonzero(labels[:, label] & free)
        if len(members) < count:
            raise ValueError(f"label {label} has {len(members)} items left, wanted {count}")
        chosen = rng.permutation(members)[:count]
        free[chosen] = False
        drawn.append(chosen)
    return rng.permutation(np.concatenate(drawn)).astype(np.int64)


def all_but(n: int, taken: Items) -> Items:
    """The numbers 0 .. n-1 that are not in ``taken``, ascending."""
    free = np.ones(n, dtype=np.bool_)
    free[taken] = False
    return np.flatnonzero(free).astype(np.int64)
