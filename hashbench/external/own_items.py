"""Which row of the database is a query itself: by item numbers, or where codes and labels leave no doubt."""

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.dataset import Items
from hashbench.search.backend import LabelPair, LabelSide

NONE = -1
_DIFFERENT_ROWS = 20  # among the queries, that do not stand in the database in the same order by chance
_ALONE = 0.9  # share of queries with a row of the database to themselves, where long codes are as good as numbers
_BLOCK_BYTES = 1 << 20


def rows_by_number(query: Items, database: Items) -> Items:
    """For each query the row of the database with its item number, -1 where there is none; int64 [q].

    Args:
        query: item numbers [q].
        database: item numbers [n], each once.
    """
    order = np.argsort(database, kind="stable")
    places = np.minimum(np.searchsorted(database[order], query), len(database) - 1)
    rows = order[places]
    return np.where(database[rows] == query, rows, NONE).astype(np.int64)


def rows_by_content(codes: tuple[Codes, Codes], labels: LabelPair) -> Items | None:
    """For each query the row of the database with its code and labels; None where that may be chance.

    It is none where the queries stand in the database one behind the other in their order, or where nearly every
    query shares a row with no other; in both cases every query has to have one.

    Args:
        codes: of queries and database, of the same number of bits.
        labels: of both, of one kind (class numbers, or multi-hot).
    """
    if labels[0].ndim != labels[1].ndim or len(codes[0]) > len(codes[1]):
        return None
    query, database = (_hashes(each, side) for each, side in zip(codes, labels, strict=True))
    if len(np.unique(query)) < _DIFFERENT_ROWS:
        return None
    for first in np.flatnonzero(database[: len(database) - len(query) + 1] == query[0]).tolist():
        if np.array_equal(database[first : first + len(query)], query):
            return np.arange(first, first + len(query), dtype=np.int64)
    different, first_rows = np.unique(database, return_index=True)
    places = np.minimum(np.searchsorted(different, query), len(different) - 1)
    alone = len(np.unique(places)) >= _ALONE * len(query) and len(different) >= _ALONE * len(database)
    return first_rows[places].astype(np.int64) if alone and np.array_equal(different[places], query) else None


def _hashes(codes: Codes, labels: LabelSide) -> npt.NDArray[np.uint64]:
    """A number for each item that depends on code and labels, and hardly ever is another's; uint64 [n]."""
    packed = labels.astype("<i8")[:, None].view(np.uint8) if labels.ndim == 1 else np.packbits(labels, axis=1)
    rows = np.concatenate([codes.packed, packed], axis=1)
    weights = np.random.default_rng(0).integers(0, 1 << 63, rows.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(
        1
    )
    step, hashes = max(1, _BLOCK_BYTES // rows.shape[1]), np.empty(len(rows), dtype=np.uint64)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        hashes[part] = rows[part].astype(np.uint64) @ weights
    return hashes
