"""Histograms of Hamming distances, all and relevant: everything that the metrics of a Hamming ranking need."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hashbench.codes import Codes
from hashbench.evaluation.relevance import (
    Labels,
    count_shared_by_pairs,
    label_pair,
    labels_are_graded,
    pairs_share_label,
)
from hashbench.search.backend import Gains, IntArray, LabelPair
from hashbench.search.dispatch import backend_for
from hashbench.util.arrays import as_numpy


@dataclass(frozen=True, eq=False)
class Histograms:
    """Sizes of the groups of tied items, in rank order.

    Attributes:
        items: int64 [q, groups], n_d: how many items of the database are in group d.
        relevant: int64 [q, groups], r_d: how many of them are relevant.
        gains: how many labels they share with the query; None where no pair can share two.
    """

    items: IntArray
    relevant: IntArray
    gains: Gains | None = None

    def __len__(self) -> int:
        return len(self.items)

    def blocks(self, numbers: int = 1 << 20) -> Iterator["Histograms"]:
        """Blocks of queries whose tables hold at most ``numbers`` numbers, or of a single query."""
        step = max(1, numbers // self.items.shape[1])
        for start in range(0, len(self), step):
            part = slice(start, start + step)
            yield Histograms(self.items[part], self.relevant[part], self.gains[part] if self.gains else None)


def distance_histograms(
    query: Codes,
    database: Codes,
    query_labels: Labels,
    database_labels: Labels,
    device: torch.device | str = "cpu",
    own_rows: npt.NDArray[np.int64] | None = None,
) -> Histograms:
    """Histograms over the Hamming distances 0 .. bits: ``groups`` is bits + 1, the same integers on every device.

    Args:
        query: codes of q queries.
        database: codes of n items, of the same number of bits.
        query_labels: class numbers [q] or bool [q, classes]; items are relevant that share a label.
        database_labels: class numbers [n] or bool [n, classes].
        device: where distances are counted: on a CPU by compiled kernels on as many threads as torch uses, on an
            NVIDIA GPU by Triton's, elsewhere by torch. Memory is that of one block, never of a queries x database
            matrix.
        own_rows: for each query the row of the database that is the query itself and is not counted, int64 [q], -1
            for none.

    Raises:
        ValueError: bits differ, a side is empty, labels do not fit (see :func:`label_pair`), or there is no such row.
    """
    if query.bits != database.bits:
        raise ValueError(f"codes: queries have {query.bits} bits and the database {database.bits}, wanted the same")
    check_sizes(len(query), len(database))
    labels = label_pair(query_labels, database_labels, len(query), len(database))
    device = torch.device(device)
    if labels_are_graded(labels):
        backend = backend_for(device, "graded_histograms")
        histograms = Histograms(*backend.graded_histograms(query, database, labels))
    else:
        histograms = Histograms(*backend_for(device, "histograms").histograms(query, database, labels))
    if own_rows is not None:
        _leave_out(_checked_rows(own_rows, len(query), len(database)), query, database, labels, histograms)
    return histograms


def _leave_out(
    own_rows: npt.NDArray[np.int64], query: Codes, database: Codes, labels: LabelPair, histograms: Histograms
) -> None:
    """Take each query's own item out of its groups."""
    queries = np.flatnonzero(own_rows >= 0)
    items = own_rows[queries]
    differing = np.bitwise_xor(query.packed[queries], database.packed[items])
    distances = np.bitwise_count(differing).sum(axis=1, dtype=np.int64)
    histograms.items[queries, distances] -= 1
    histograms.relevant[queries, distances] -= pairs_share_label(labels[0][queries], labels[1][items])
    if (gains := histograms.gains) is not None:
        shared = count_shared_by_pairs(labels[0][queries], labels[1][items])
        gains.shared[queries, distances] -= shared
        own = gains.labels[queries].astype(np.float64)
        gains.exponential[queries, distances] -= np.exp2(shared - own) - np.exp2(-own)
        gains.at_least[queries] -= shared[:, None] > np.arange(gains.at_least.shape[1])


def _checked_rows(rows: npt.NDArray[Any], queries: int, items: int) -> npt.NDArray[np.int64]:
    array = as_numpy(rows)
    if array.shape != (queries,) or array.dtype.kind not in "iu":
        raise ValueError(f"own_rows: got {array.dtype} {list(array.shape)}, wanted whole numbers [{queries}]")
    if array.min() < -1 or array.max() >= items:
        raise ValueError(f"own_rows: {array.min()} to {array.max()}, wanted rows 0 to {items - 1}, or -1 for none")
    return array.astype(np.int64)


def check_sizes(queries: int, items: int) -> None:
    """Refuse an evaluation without queries or without a database.

    Raises:
        ValueError: either is 0.
    """
    if queries == 0 or items == 0:
        raise ValueError(f"evaluation: {queries} queries and a database of {items}, wanted at least one of each")
