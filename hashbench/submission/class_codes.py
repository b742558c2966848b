"""Codes that equal the classes: one for each, as a classifier's answer or a look at the labels makes them."""

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.evaluation.relevance import packed_rows
from hashbench.search.backend import LabelSide

FLAGGED = 0.9  # share of items from which on codes are said to equal the classes


def class_code_share(codes: Codes, labels: LabelSide, classes: int) -> float:
    """Share of the items that have the one code of their classes: 1 where codes tell nothing but the labels.

    Items with the same labels are of one kind; the kind's code is its commonest. Kinds of one item say nothing and are
    left out, and so are items whose kind's code is another kind's as well.

    Args:
        codes: of n items.
        labels: bool [n, classes], or class numbers [n].
        classes: how many there are.

    Returns:
        A share in [0, 1]; 0 where fewer than two kinds have more than one item.
    """
    kinds = _numbered(np.concatenate(list(packed_rows(labels, classes))))
    own = _numbered(codes.packed)
    pairs, counts = np.unique(np.stack([kinds, own], axis=1), axis=0, return_counts=True)
    order = np.lexsort((-counts, pairs[:, 0]))
    first = order[np.unique(pairs[order, 0], return_index=True)[1]]  # each kind's commonest code
    sizes = np.bincount(kinds)
    several = sizes[pairs[first, 0]] > 1
    if several.sum() < 2:
        return 0.0
    used, times = np.unique(pairs[first, 1], return_counts=True)
    alone = np.isin(pairs[first, 1], used[times == 1])
    return float(counts[first][several & alone].sum() / sizes[sizes > 1].sum())


def _numbered(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """A number for each row, equal for equal rows; int64 [n]."""
    if not rows.shape[1]:
        return np.zeros(len(rows), dtype=np.int64)
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1])))[:, 0]
    return np.unique(whole, return_inverse=True)[1].astype(np.int64)
