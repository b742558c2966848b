"""BGAN's neighbourhood matrix S of shared neighbours, in sparse form."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from hashbench.nets.nearest import nearest

CHUNK_ROWS = 512  # of counts of shared neighbours, at most CHUNK_ROWS x n entries


@dataclass(frozen=True, eq=False)
class Similarity:
    """A symmetric matrix of -1 and +1, +1 on the diagonal, that stores only the positions of its +1.

    Attributes:
        keys: int64 [entries], ascending: row * n + column of every +1.
        n: number of rows.
    """

    keys: Tensor
    n: int

    def block(self, rows: Tensor) -> Tensor:
        """Float32 [B, B]: the entries S[rows, rows], rows int64 [B] on the device of the keys."""
        entries = rows[:, None] * self.n + rows
        index = torch.searchsorted(self.keys, entries).clamp_(max=len(self.keys) - 1)
        return torch.where(self.keys[index] == entries, 1.0, -1.0)

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Rows and columns, int64 [entries - n] each, of every +1 off the diagonal, in both orders of a pair."""
        rows, columns = self.keys // self.n, self.keys % self.n
        off = rows != columns
        return rows[off], columns[off]

    def neighbours_of(self, rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Int64 [B, count]: for each row, columns drawn uniformly with replacement among its +1 off the diagonal.

        A row that has none gets itself.

        Args:
            rows: int64 [B] on the device of the keys.
            count: draws per row.
            generator: on the CPU.
        """
        first, own, end = torch.searchsorted(
            self.keys, torch.stack([rows * self.n, rows * (self.n + 1), (rows + 1) * self.n])
        )
        others = end - first - 1
        drawn = torch.rand(len(rows), count, dtype=torch.float64, generator=generator).to(rows.device)
        index = first[:, None] + (drawn * others[:, None]).long()
        index += (index >= own[:, None]) & (others > 0)[:, None]  # step over the diagonal
        return self.keys[index] % self.n


def neighbourhood_structure(features: Tensor, k1: int, k2: int, expansion: bool = True) -> Similarity:
    """BGAN's matrix S, of features alone (Song et al. 2018, as in the authors' script).

    N(i) is i and its ``k1`` nearest neighbours by cosine. J(i) are the ``k2`` items j with the largest |N(i) & N(j)|,
    among equals the lower index first; i is one of them, or an item with the very same N is. Items that share nothing
    with i are left out, so J(i) may be smaller. S_ij = S_ji = +1 for every j in the union of N(k) over k in J(i) and
    for i = j, and -1 elsewhere.

    Args:
        features: float [n, d], finite; taken as they are, so centre them first if need be.
        k1: 1 to n - 1.
        k2: 1 or more.
        expansion: False for S_ij = S_ji = +1 where j is in N(i), without the union over J(i).

    Returns:
        S on the device of ``features``. Memory grows with n.

    Raises:
        ValueError: see :func:`hashbench.nets.nearest.nearest`.
    """
    n = len(features)
    neighbours = nearest(features, k1).cpu().numpy()
    member = _incidence(np.column_stack([np.arange(n), neighbours]).ravel(), np.full(n, k1 + 1), n)
    similar = _expand(member, k1, k2) if expansion else member
    return Similarity(torch.from_numpy(symmetric_keys(similar)).to(features.device), n)


def _incidence(columns: npt.NDArray[Any], lengths: npt.NDArray[Any], n: int) -> Any:
    """A 0/1 matrix whose row r has ones in the next ``lengths[r]`` of ``columns``."""
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csr_array((np.ones(len(columns), dtype=np.int32), columns, starts), shape=(len(lengths), n))


def _expand(member: Any, k1: int, k2: int) -> Any:
    """0/1 matrix of the union of N(k) over k in J(i), from that of N, in chunks of rows."""
    n, members = len(member.indptr) - 1, member.T.tocsr()
    columns, lengths = [], []
    for start in range(0, n, CHUNK_ROWS):
        union = _most_shared(member[start : start + CHUNK_ROWS] @ members, k1, k2) @ member
        columns.append(union.indices)
        lengths.append(np.diff(union.indptr))
    return _incidence(np.concatenate(columns), np.concatenate(lengths), n).astype(np.int8)


def _most_shared(shared: Any, k1: int, k2: int) -> Any:
    """0/1 matrix of J for some rows i, from their counts |N(i) & N(j)|, 1 to ``k1`` + 1."""
    height, n = shared.shape
    lengths = np.diff(shared.indptr)
    row = np.repeat(np.arange(height, dtype=np.int64), lengths)
    key = (row * (k1 + 1) + (k1 + 1 - shared.data)) * n + shared.indices  # ascending: most shared, then lower index
    key.sort()
    rank = np.arange(len(key)) - np.repeat(shared.indptr[:-1], lengths)
    return _incidence(key[rank < k2] % n, np.minimum(lengths, k2), n)


def symmetric_keys(similar: Any) -> npt.NDArray[np.int64]:
    """Row * n + column, ascending, of every one in a 0/1 matrix or its transpose."""
    n = similar.shape[0]
    transposed = similar.T.tocsr()
    both = transposed.T.tocsr() + transposed  # their columns ascend: scipy sorts as it transposes
    keys = np.repeat(np.arange(n, dtype=np.int64) * n, np.diff(both.indptr))
    keys += both.indices
    return keys
