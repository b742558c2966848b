"""Who is near whom: exact cosine neighbours, and BGAN's matrix S of shared neighbours in sparse form."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional

BLOCK_ROWS = 512  # at once; intermediates are BLOCK_ROWS x n


def nearest(features: Tensor, count: int) -> Tensor:
    """The ``count`` nearest others of every item by cosine, nearest first, among equals the lower index first.

    Works in blocks of rows: memory grows with n. An item of zeros has cosine 0 to all.

    Args:
        features: float [n, d], finite; compared in float32.
        count: 1 to n - 1.

    Returns:
        Int64 [n, count] on the device of ``features``.

    Raises:
        ValueError: ``count`` is out of range, or a feature is NaN or infinite.
    """
    n = len(features)
    if not 1 <= count < n:
        raise ValueError(f"{count} neighbours of {n} items: wanted 1 to {n - 1}")
    if not torch.isfinite(features).all():
        raise ValueError("neighbours: features contain NaN or infinity")
    unit = functional.normalize(features.float(), dim=1)
    found = []
    for start in range(0, n, BLOCK_ROWS):
        cosines = unit[start : start + BLOCK_ROWS] @ unit.T
        cosines.diagonal(start).fill_(-torch.inf)
        found.append(_largest(cosines, count))
    return torch.cat(found)


def _largest(values: Tensor, count: int) -> Tensor:
    """Columns of the ``count`` largest values of each row, largest first, among equals the lower column first."""
    best, columns = values.topk(count, dim=1)  # which of several equals it takes, and their order, is torch's choice
    columns, order = columns.sort(dim=1)
    columns = columns.gather(1, best.gather(1, order).sort(dim=1, descending=True, stable=True).indices)
    tied = (values >= best[:, -1:]).sum(1) > count
    if tied.any():
        columns[tied] = values[tied].sort(dim=1, descending=True, stable=True).indices[:, :count]
    return columns


@dataclass(frozen=True, eq=False)
class Similarity:
    """A symmetric matrix of -1 and +1 that stores only where its +1 are.

    Attributes:
        keys: int64 [entries], ascending: row * n + column of every +1.
        n: number of rows.
    """

    keys: Tensor
    n: int

    def block(self, rows: Tensor) -> Tensor:
        """Float32 [B, B]: the entries S[rows, rows], rows int64 [B] on the device of the keys."""
        wanted = rows[:, None] * self.n + rows
        place = torch.searchsorted(self.keys, wanted).clamp_(max=len(self.keys) - 1)
        return torch.where(self.keys[place] == wanted, 1.0, -1.0)

    @property
    def per_row(self) -> float:
        """Mean number of +1 in a row, the diagonal's among them."""
        return len(self.keys) / self.n


def neighbourhood_structure(features: Tensor, k1: int, k2: int, expansion: bool = True) -> Similarity:
    """BGAN's matrix S, of features alone (Song et al. 2018, as in the authors' script).

    N(i) is i and its ``k1`` nearest neighbours by cosine. J(i) are the ``k2`` items j with the largest |N(i) & N(j)|,
    among equals the lower index first; i is one of them, or an item with the very same N is. Items that share nothing
    with i stay out, so J(i) may be smaller. S_ij = S_ji = +1 for every j in the union of N(k) over k in J(i), and -1
    elsewhere. The diagonal is +1.

    Args:
        features: float [n, d], finite.
        k1: 1 to n - 1.
        k2: 1 or more.
        expansion: False for S_ij = S_ji = +1 where j is in N(i), without the union over J(i).

    Returns:
        S on the device of ``features``. Memory grows with n.

    Raises:
        ValueError: see :func:`nearest`.
    """
    n = len(features)
    near = nearest(features, k1).cpu().numpy()
    member = _incidence(np.column_stack([np.arange(n), near]).ravel(), np.arange(n + 1) * (k1 + 1), n)
    reached = _expand(member, k1, k2) if expansion else member
    positive = (reached + reached.T).tocsr()
    positive.sort_indices()
    rows = np.repeat(np.arange(n, dtype=np.int64), np.diff(positive.indptr))
    return Similarity(torch.from_numpy(rows * n + positive.indices).to(features.device), n)


def _incidence(columns: npt.NDArray[Any], starts: npt.NDArray[Any], n: int) -> Any:
    """A 0/1 matrix whose row r has ones in ``columns[starts[r]:starts[r + 1]]``."""
    return sparse.csr_array((np.ones(len(columns), dtype=np.int32), columns, starts), shape=(len(starts) - 1, n))


def _expand(member: Any, k1: int, k2: int) -> Any:
    """0/1 matrix of the union of N(k) over k in J(i), from that of N, block by block of rows."""
    parts = []
    for start in range(0, member.shape[0], BLOCK_ROWS):
        shared = member[start : start + BLOCK_ROWS] @ member.T
        chosen = _most_shared(shared, k1, k2)
        union = chosen @ member
        union.data[:] = 1
        parts.append(union)
    return sparse.vstack(parts, format="csr")


def _most_shared(shared: Any, k1: int, k2: int) -> Any:
    """0/1 matrix of J for some rows i, from their counts |N(i) & N(j)|, 1 to ``k1`` + 1."""
    height, n = shared.shape
    lengths = np.diff(shared.indptr)
    row = np.repeat(np.arange(height, dtype=np.int64), lengths)
    key = (row * (k1 + 1) + (k1 + 1 - shared.data)) * n + shared.indices  # ascending: most shared, then lower index
    key.sort()
    rank = np.arange(len(key)) - np.repeat(shared.indptr[:-1], lengths)
    columns = key[rank < k2] % n
    return _incidence(columns, np.concatenate([[0], np.cumsum(np.minimum(lengths, k2))]), n)
