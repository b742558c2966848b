"""Labels of vectors: class numbers, names or a multi-hot matrix, as a data set has them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.errors import UsageError


def as_labels(
    labels: npt.NDArray[Any], items: int, name: str, queries: int = 0
) -> tuple[npt.NDArray[np.bool_], tuple[str, ...]]:
    """Multi-hot labels, bool [items, classes], and the names of their columns.

    Args:
        labels: whole class numbers or names [items], or bool [items, classes].
        items: how many there must be, queries included.
        name: what they are, for messages.
        queries: how many of the items come from elsewhere, whose labels are the last ones.

    Raises:
        UsageError: another number, dtype or shape.
    """
    if len(labels) != items:
        order = f"; those of the {queries:,} queries come last" if queries else ""
        raise UsageError(f"{name}: {len(labels):,} labels for {items:,} vectors, wanted one for each{order}")
    if labels.dtype == np.bool_ and labels.ndim == 2:
        return np.asarray(labels), tuple(map(str, range(labels.shape[1])))
    if labels.ndim != 1 or labels.dtype.kind not in "iuUS":
        raise UsageError(
            f"{name}: {labels.dtype} {list(labels.shape)}, wanted class numbers or names [n], or bool [n, classes]"
        )
    classes, columns = np.unique(labels, return_inverse=True)
    hot = np.zeros((items, len(classes)), dtype=np.bool_)
    hot[np.arange(items), columns] = True
    return hot, tuple(map(str, classes))
