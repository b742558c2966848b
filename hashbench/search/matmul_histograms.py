"""Histograms of Hamming distances by matrix products in torch: the way of a GPU, and of a CPU without numba."""

import numpy as np
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.evaluation.ranking import IntArray
from hashbench.evaluation.relevance import MultiHot

_DATABASE_BLOCK = 8192
_EXACT_FLOAT32 = 1 << 24


def count_by_products(
    query: Codes, database: Codes, labels: tuple[MultiHot, MultiHot], device: torch.device
) -> tuple[IntArray, IntArray]:
    """Items and relevant items at each distance, int64 [q, bits + 1] each; one block of pairs at a time."""
    counts = _count(query, database, labels, device).cpu().numpy()
    return counts.sum(axis=2), np.ascontiguousarray(counts[:, :, 1])


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
