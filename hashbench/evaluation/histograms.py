"""Histograms of Hamming distances, all and relevant: everything a Hamming ranking's metrics need to know."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.evaluation.ranking import IntArray
from hashbench.evaluation.relevance import Labels, MultiHot, label_pair

_DATABASE_BLOCK = 8192
_EXACT_FLOAT32 = 1 << 24


@dataclass(frozen=True, eq=False)
class Histograms:
    """Groups of items that a ranking cannot tell apart, in rank order.

    Attributes:
        items: int64 [q, groups], n_d: how many items of the database are in group d.
        relevant: int64 [q, groups], r_d: how many of them are relevant.
    """

    items: IntArray
    relevant: IntArray

    def __len__(self) -> int:
        return len(self.items)

    def blocks(self, numbers: int = 1 << 20) -> Iterator["Histograms"]:
        """Runs of queries whose tables hold at most ``numbers`` numbers, or a single query."""
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
        device: where the counting runs. Memory is that of one block, never of a queries x database matrix.

    Raises:
        ValueError: bits differ, a side is empty, or labels do not fit (see :func:`relevance.label_pair`).
    """
    if query.bits != database.bits:
        raise ValueError(f"codes: queries have {query.bits} bits and the database {database.bits}, wanted the same")
    check_sizes(len(query), len(database))
    labels = label_pair(query_labels, database_labels, len(query), len(database))
    counts = _count(query, database, labels, torch.device(device)).cpu().numpy()
    return Histograms(counts.sum(axis=2), np.ascontiguousarray(counts[:, :, 1]))


def check_sizes(queries: int, items: int) -> None:
    """Refuse an evaluation without queries or without a database.

    Raises:
        ValueError: either is 0.
    """
    if queries == 0 or items == 0:
        raise ValueError(f"evaluation: {queries} queries and a database of {items}, wanted at least one of each")


def _count(query: Codes, database: Codes, labels: tuple[MultiHot, MultiHot], device: torch.device) -> Tensor:
    """Int64 [q, bits + 1, 2]: items at each distance, not relevant and relevant."""
    cells = 2 * (query.bits + 1)
    counts = torch.zeros(len(query), cells, dtype=torch.int64, device=device)
    step = _query_step(cells, device)
    query_signs, query_hot = query.signs(device), _float(labels[0], device)
    for start in range(0, len(database), _DATABASE_BLOCK):
        rows = slice(start, start + _DATABASE_BLOCK)
        signs, hot = database[rows].signs(device), _float(labels[1][rows], device)
        for first in range(0, len(query), step):
            part = slice(first, first + step)
            counts[part] += _block_counts(query_signs[part], signs, query_hot[part], hot)
    return counts.view(len(query), query.bits + 1, 2)


def _block_counts(query: Tensor, database: Tensor, query_hot: Tensor, database_hot: Tensor) -> Tensor:
    """Int64 [q, 2 (bits + 1)] of one block, from signs and labels in float32.

    bits - <a, b> is twice the distance, so adding 1 for a relevant item keeps both in one whole number; a row's
    offset in front of it makes one count over the block. float32 holds all of it exactly (``_query_step``).
    """
    queries, bits = query.shape
    cells = 2 * (bits + 1)
    offset = torch.arange(queries, device=query.device, dtype=torch.float32)[:, None] * cells + bits
    cell = torch.addmm(offset, query, database.T, alpha=-1)
    cell += (query_hot @ database_hot.T).clamp_(max=1)
    return torch.bincount(cell.to(torch.int32).view(-1), minlength=queries * cells).view(queries, cells)


def _query_step(cells: int, device: torch.device) -> int:
    """Queries per block: some 2^21 pairs (2^26 on a GPU), and cell numbers below 2^24."""
    pairs = 1 << (21 if device.type == "cpu" else 26)
    return max(1, min(pairs // _DATABASE_BLOCK, _EXACT_FLOAT32 // cells))


def _float(labels: MultiHot, device: torch.device) -> Tensor:
    return torch.tensor(labels, dtype=torch.float32, device=device)
