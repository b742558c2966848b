"""The nearest neighbours of queries by their float vectors, and how many of them a ranking keeps, ties by expectation.

The k nearest of a query are the items nearer than its k-th distance, and of those that tie at it as many as there are
places left. A ranking keeps the first ones within its own first ranks; of the others whichever it has there fill the
places. So a ranking by the same distances keeps all k, however they tie.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.dataset import Distance
from hashbench.evaluation.ranking import FloatArray, IntArray
from hashbench.search.numba_cache import compiled, or_uncompiled, parallel_entry_point, prange

_MIN_WEIGHT = 1e-18  # relative to the largest probability: smaller ones change no digit


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest items of each of q queries, nearest first, with all that tie with the last of them.

    Attributes:
        k: how many; a query has more where items tie at its k-th distance.
        distance: that they are nearest under: "l2", "cosine" or "ip".
        starts: int64 [q + 1], where each query's neighbours begin in the next two.
        rows: int64 [listed], rows of the database.
        values: float32 [listed], their distances, ascending for each query; equal ones tie.
    """

    k: int
    distance: Distance
    starts: IntArray
    rows: IntArray
    values: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def owners(self) -> IntArray:
        """Int64 [listed]: the query whose neighbour each is."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def part(self, queries: slice) -> "Neighbours":
        """Those of some queries, numbered anew."""
        starts = self.starts[queries.start : queries.stop + 1]
        listed = slice(starts[0], starts[-1])
        return Neighbours(self.k, self.distance, starts - starts[0], self.rows[listed], self.values[listed])

    def bounds(self, k: int) -> tuple[IntArray, IntArray]:
        """Of each query, int64 [q]: how many items are nearer than its k-th distance, and how many are as near or tie.

        Raises:
            ValueError: k is below 1, or beyond :attr:`k`.
        """
        if not 1 <= k <= self.k:
            raise ValueError(f"k is {k}, wanted 1 to {self.k}")
        kth = self.values[self.starts[:-1] + k - 1][self.owners]
        return self._counts(self.values < kth), self._counts(self.values <= kth)

    def places(self) -> "Places":
        """Where these neighbours stand in the ranking by their own distances."""
        new = np.ones(len(self.values), dtype=np.bool_)
        new[1:] = (self.values[1:] != self.values[:-1]) | (self.owners[1:] != self.owners[:-1])
        group, firsts = np.cumsum(new) - 1, np.flatnonzero(new)
        sizes = np.diff(np.append(firsts, len(new)))
        return Places((firsts - self.starts[self.owners[firsts]])[group], sizes[group])

    def _counts(self, listed: npt.NDArray[np.bool_]) -> IntArray:
        running = np.concatenate([[0], np.cumsum(listed)])
        result: IntArray = running[self.starts[1:]] - running[self.starts[:-1]]
        return result


@dataclass(frozen=True, eq=False)
class Places:
    """Where neighbours stand in a ranking of the database.

    Attributes:
        before: int64 [listed], items before the group of ties that the neighbour is in.
        tied: int64 [listed], items of that group, at least 1.
    """

    before: IntArray
    tied: IntArray


def kept(neighbours: Neighbours, places: Places, k: int, ranks: IntArray) -> FloatArray:
    """Share of the k nearest that stand within the first ranks of a ranking, its ties by expectation.

    Args:
        neighbours: of q queries.
        places: where they stand in the ranking.
        k: how many of the nearest.
        ranks: int64 [m], ascending numbers of ranks; those beyond the database are all of it.

    Returns:
        float64 [q, m] in [0, 1].
    """
    nearer, near = neighbours.bounds(k)
    shares = np.empty((len(neighbours), len(ranks)))
    _fill(neighbours.starts, nearer, near, k, places.before, places.tied, ranks, shares)
    return shares


@or_uncompiled
@parallel_entry_point
def _fill(starts: Any, nearer: Any, near: Any, k: int, before: Any, tied: Any, ranks: Any, shares: Any) -> None:
    """Fill ``shares`` [q, m]; the neighbours of query i begin at starts[i], nearer[i] of them nearer than the k-th.

    Those that tie at the k-th distance and stand in the group that a rank cuts are hypergeometric in number; all else
    is certain, or linear in the share of the group that is taken.
    """
    for query in prange(len(nearer)):
        first = starts[query]
        ties, end = first + nearer[query], first + near[query]
        left = k - nearer[query]
        for place in range(len(ranks)):
            rank = ranks[place]
            total = 0.0
            for item in range(first, ties):
                total += min(max((rank - before[item]) / tied[item], 0.0), 1.0)
            certain, cut, n, taken = 0, 0, 1, 0
            for item in range(ties, end):
                if before[item] + tied[item] <= rank:
                    certain += 1
                elif before[item] < rank:
                    cut += 1
                    n, taken = tied[item], rank - before[item]
            total += _expected_places(certain, cut, n, taken, left)
            shares[query, place] = total / k


@compiled
def _expected_places(certain: Any, cut: Any, n: Any, taken: Any, left: Any) -> Any:
    """Mean of min(certain + h, left), h of ``cut`` items among ``taken`` of a group of ``n`` in random order."""
    if certain >= left:
        return float(left)
    if certain + min(cut, taken) <= left:
        return certain + taken * cut / n
    low, high = max(0, taken - (n - cut)), min(taken, cut)
    mode = min(max((taken + 1) * (cut + 1) // (n + 2), low), high)
    weights = total = 0.0
    weight, h = 1.0, mode
    while h <= high and weight > _MIN_WEIGHT:
        weights += weight
        total += weight * min(certain + h, left)
        weight *= (cut - h) * (taken - h) / ((h + 1) * (n - cut - taken + h + 1))
        h += 1
    weight, h = 1.0, mode
    while h > low:
        weight *= h * (n - cut - taken + h) / ((cut - h + 1) * (taken - h + 1))
        if weight <= _MIN_WEIGHT:
            break
        h -= 1
        weights += weight
        total += weight * min(certain + h, left)
    return total / weights
