"""Random draws for index sets, seeded by constants of the protocol, never by a run."""

import numpy as np
import numpy.typing as npt

from hashbench.dataset import Items


def draw_per_class(classes: npt.NDArray[np.int64], count: int, rng: np.random.Generator) -> Items:
    """``count`` indices of every class, drawn without replacement, in random order.

    Args:
        classes: int64 [n], the class of each candidate.
        count: number of each class.
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
    """``count`` indices for every label, drawn from the items with that label, none twice; in random order.

    Labels draw in order of rising frequency (ties: the first column), so that frequent labels do not use up the items
    of rare ones. An item with several labels counts for the one that drew it, so each label is on at least ``count``
    of the drawn items.

    Args:
        labels: bool [n, labels], multi-hot, of each candidate.
        count: number for each label.
        rng: the protocol's own generator.

    Raises:
        ValueError: fewer than ``count`` items are left when a label draws.
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
    """The indices 0 .. n-1 that are not in ``taken``, ascending."""
    free = np.ones(n, dtype=np.bool_)
    free[taken] = False
    return np.flatnonzero(free).astype(np.int64)
