"""Queries with their nearest database items, and which of these are relevant."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashbench.errors import UsageError
from hashbench.evaluation.relevance import as_multi_hot
from hashbench.execution.stored_trial import StoredCodes
from hashbench.replay.ranked_index import Index, search_stored

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Neighbours:
    """The nearest items of some queries.

    Attributes:
        queries: int64 [n], rows among the queries.
        items: int64 [n, k], rows of the database, nearest first, of equally near ones the lower row first.
        distances: int32 [n, k], in bits; or float32 scores.
        relevant: bool [n, k], whether query and item share a label.
    """

    queries: Rows
    items: Rows
    distances: npt.NDArray[np.int32] | npt.NDArray[np.float32]
    relevant: npt.NDArray[np.bool_]


def spread(average_precision: npt.NDArray[np.float64], count: int) -> Rows:
    """Rows of ``count`` queries spread evenly over their ranking by average precision, best first, ties by row.

    The ranking is cut into as many equal parts and the middle query of each is taken, so each represents as many
    others and neither the best nor the worst are picked. Queries without relevant items (NaN) are left out; where
    fewer than ``count`` remain, all are taken.
    """
    answerable = np.flatnonzero(~np.isnan(average_precision))
    ranking = answerable[np.argsort(-average_precision[answerable], kind="stable")]
    count = min(count, len(ranking))
    middles = (2 * np.arange(count) + 1) * len(ranking) // (2 * max(count, 1))
    return ranking[middles].astype(np.int64)


def nearest(codes: StoredCodes, queries: Rows, k: int, index: Index) -> Neighbours:
    """The ``k`` nearest database items of the queries in these rows, by an index of the database.

    Raises:
        UsageError: the database has fewer items.
    """
    if k > len(codes.database):
        raise UsageError(f"neighbours is {k}, wanted 1 to {len(codes.database)}, the size of the database")
    items, distances = search_stored(index, codes, queries, k)
    # A data set's labels are multi-hot, and codes of none have no pictures.
    shared = as_multi_hot(codes.query_labels)[queries][:, None, :] & as_multi_hot(codes.database_labels)[items]
    return Neighbours(queries, items, distances, np.asarray(shared.any(axis=2)))
