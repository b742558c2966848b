"""Histograms of Hamming distances, all and relevant: everything that the metrics of a Hamming ranking need."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from hashbench.codes import Codes
from hashbench.evaluation.relevance import Labels, label_pair
from hashbench.search.backend import IntArray
from hashbench.search.dispatch import backend_for


@dataclass(frozen=True, eq=False)
class Histograms:
    """Sizes of the groups of tied items, in rank order.

    Attributes:
        items: int64 [q, groups], n_d: how many items of the database are in group d.
        relevant: int64 [q, groups], r_d: how many of them are relevant.
    """

    items: IntArray
    relevant: IntArray

    def __len__(self) -> int:
        return len(self.items)

    def blocks(self, numbers: int = 1 << 20) -> Iterator["Histograms"]:
        """Blocks of queries whose tables hold at most ``numbers`` numbers, or of a single query."""
        step = max(1, numbers // self.items.shape[1])
        for start in range(0, len(self), step):
            yield Histograms(self.items[start : start + step], self.relevant[start : start + step])


def distance_histograms(
    query: Codes,
    database: Codes,
    query_labels: Labels,
    database_labels: Labels,
    device: torch.device | str = "cpu",
) -> Histograms:
    """Histograms over the Hamming distances 0 .. bits: ``groups`` is bits + 1, the same integers on every device.

    Args:
        query: codes of q queries.
        database: codes of n items, of the same number of bits.
        query_labels: class numbers [q] or bool [q, classes]; items are relevant that share a label.
        database_labels: class numbers [n] or bool [n, classes].
        device: where distances are counted: on a CPU by compiled kernels on as many threads as torch uses, elsewhere
            by torch. Memory is that of one block, never of a queries x database matrix.

    Raises:
        ValueError: bits differ, a side is empty, or labels do not fit (see :func:`label_pair`).
    """
    if query.bits != database.bits:
        raise ValueError(f"codes: queries have {query.bits} bits and the database {database.bits}, wanted the same")
    check_sizes(len(query), len(database))
    labels = label_pair(query_labels, database_labels, len(query), len(database))
    backend = backend_for(torch.device(device), "histograms")
    return Histograms(*backend.histograms(query, database, labels))


def check_sizes(queries: int, items: int) -> None:
    """Refuse an evaluation without queries or without a database.

    Raises:
        ValueError: either is 0.
    """
    if queries == 0 or items == 0:
        raise ValueError(f"evaluation: {queries} queries and a database of {items}, wanted at least one of each")
