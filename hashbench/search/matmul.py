"""The backend for devices without compiled kernels: matrix products in torch."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.search.backend import Backend, Gains, Index, IntArray, LabelPair
from hashbench.search.matmul_index import MatmulIndex
from hashbench.search.shared_labels import count_shared, labels_on, share_label

_BLOCK_ITEMS = 8192
_BLOCK_BITS = 1 << 22  # of codes whose pairs of bits are counted at a time
_EXACT_FLOAT32 = 1 << 24


class MatmulBackend(Backend):
    """Takes distances from products of codes of -1 and +1, one block of queries and items at a time."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def histograms(self, queries: Codes, database: Codes, labels: LabelPair) -> tuple[IntArray, IntArray]:
        """See :class:`Backend`."""
        with torch.autocast(self.device.type, enabled=False):  # a caller's: integers need float32
            counts = self._counts(queries, database, labels).cpu().numpy()
        return counts.sum(axis=2), np.ascontiguousarray(counts[:, :, 1])

    def graded_histograms(
        self, queries: Codes, database: Codes, labels: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
    ) -> tuple[IntArray, IntArray, Gains]:
        """See :class:`Backend`."""
        own = np.count_nonzero(labels[0], axis=1)
        levels = 2 * (int(own.max()) // 2 + 1)  # even: halves of odd numbers would be rounded
        sums = np.zeros((len(queries), queries.bits + 1, 4))
        at_least = np.zeros((len(queries), own.max()), dtype=np.int64)
        step = _block_queries(levels * (queries.bits + 1), self.device)
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            with torch.autocast(self.device.type, enabled=False):
                counts = self._joint_counts(queries[part], database, (labels[0][part], labels[1]), levels)
            sums[part] = np.einsum("qds,qsk->qdk", counts, _gains_of(own[part], levels))
            at_least[part] = counts.sum(axis=1)[:, :0:-1].cumsum(axis=1)[:, ::-1][:, : own.max()]
        items, hits, shared = (np.ascontiguousarray(sums[:, :, kind]).astype(np.int64) for kind in range(3))
        return items, hits, Gains(shared, np.ascontiguousarray(sums[:, :, 3]), at_least, own)

    def _joint_counts(self, queries: Codes, database: Codes, labels: LabelPair, levels: int) -> IntArray:
        """Int64 [q, bits + 1, levels]: items at each distance that share 0, 1, ... labels."""
        cells = levels * (queries.bits + 1)
        counts = torch.zeros(len(queries), cells, dtype=torch.int64, device=self.device)
        signs, own = queries.signs(self.device), labels_on(labels[0], self.device)
        for start in range(0, len(database), _BLOCK_ITEMS):
            rows = slice(start, start + _BLOCK_ITEMS)
            shared = count_shared(own, labels_on(labels[1][rows], self.device))
            counts += _block_counts(signs, database[rows].signs(self.device), shared, levels)
        return counts.view(len(queries), -1, levels).cpu().numpy()

    def index(self, database: Codes) -> Index:
        """See :class:`Backend`."""
        return MatmulIndex(database, self.device)

    def pair_counts(self, codes: Codes) -> IntArray:
        """See :class:`Backend`; runs on the CPU."""
        counts = np.zeros((codes.bits, codes.bits), dtype=np.int64)
        step = max(1, _BLOCK_BITS // codes.bits)
        for start in range(0, len(codes), step):
            block = codes[start : start + step].unpack().astype(np.float32)  # exact: counts stay below 2^24
            counts += (block.T @ block).astype(np.int64)
        return counts

    def _counts(self, queries: Codes, database: Codes, labels: LabelPair) -> Tensor:
        """Int64 [q, bits + 1, 2]: items at each distance, not relevant and relevant."""
        cells = 2 * (queries.bits + 1)
        counts = torch.zeros(len(queries), cells, dtype=torch.int64, device=self.device)
        step = _block_queries(cells, self.device)
        query_signs, query_labels = queries.signs(self.device), labels_on(labels[0], self.device)
        for start in range(0, len(database), _BLOCK_ITEMS):
            rows = slice(start, start + _BLOCK_ITEMS)
            signs, item_labels = database[rows].signs(self.device), labels_on(labels[1][rows], self.device)
            for first in range(0, len(queries), step):
                part = slice(first, first + step)
                relevant = share_label(query_labels[part], item_labels)
                counts[part] += _block_counts(query_signs[part], signs, relevant)
        return counts.view(len(queries), queries.bits + 1, 2)


def _gains_of(own: npt.NDArray[np.int64], levels: int) -> npt.NDArray[np.float64]:
    """Float64 [q, levels, 4]: what an item that shares 0, 1, ... labels with a query adds to each sum of its group."""
    shared = np.broadcast_to(np.arange(levels), (len(own), levels))
    exponential = np.exp2(shared - own[:, None]) - np.exp2(-own[:, None].astype(np.float64))
    return np.stack([np.ones(shared.shape), shared > 0, shared, exponential], axis=2)


def _block_counts(query: Tensor, database: Tensor, shared: Tensor, levels: int = 2) -> Tensor:
    """Int64 [q, levels (bits + 1)] of one block, from signs in float32 and labels shared, below ``levels``, [q, n].

    Half of bits - <a, b> is the distance; ``levels`` times it and the shared labels are one whole number, and a row's
    offset in front of it makes one count over the block. float32 holds all of it exactly (``_block_queries``).
    """
    queries, bits = query.shape
    cells = levels * (bits + 1)
    offset = torch.arange(queries, device=query.device, dtype=torch.float32)[:, None] * cells + levels * bits / 2
    cell = torch.addmm(offset, query, database.T, alpha=-levels / 2)
    cell += shared
    return torch.bincount(cell.to(torch.int32).view(-1), minlength=queries * cells).view(queries, cells)


def _block_queries(cells: int, device: torch.device) -> int:
    """Queries per block: some 2^21 pairs (2^26 on a GPU), and cell numbers below 2^24."""
    pairs = 1 << (21 if device.type == "cpu" else 26)
    return max(1, min(pairs // _BLOCK_ITEMS, _EXACT_FLOAT32 // cells))
