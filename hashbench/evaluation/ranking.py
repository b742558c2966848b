"""Rankings as groups of tied items, and what follows from them by counting: precision and recall."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from hashbench.search.numba_cache import entry_point, or_uncompiled

if TYPE_CHECKING:  # it imports torch: reports read the metrics' names
    from hashbench.search.backend import Gains

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]  # not search.backend's, for the same reason
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True)
class Cut:
    """The group in which rank k falls, for each query; every field is int64 [q].

    Attributes:
        k: the rank, at most the number of items.
        group: the group that holds rank k.
        items, hits: items before that group, and relevant ones among them.
        n, r: items of that group, and relevant ones among them.
    """

    k: IntArray
    group: IntArray
    items: IntArray
    hits: IntArray
    n: IntArray
    r: IntArray

    @property
    def taken(self) -> IntArray:
        """How many of the group's items stand within the first k: 1 to n."""
        return self.k - self.items


@dataclass(frozen=True, eq=False)
class Ranking:
    """Groups of tied items in rank order, for each of q queries. Groups without items are allowed anywhere.

    Attributes:
        items: int64 [q, groups], n_d: items of each group.
        relevant: int64 [q, groups], r_d: relevant ones among them.
        gains: labels that the items share with the query, of graded relevance; None where no pair can share two.
        precision_sums: by order of the ties, what average precision at one k computes and at another k needs again;
            "weighted" and "discounted" likewise of graded relevance.
    """

    items: IntArray
    relevant: IntArray
    gains: "Gains | None" = None
    precision_sums: dict[str, FloatArray] = field(default_factory=dict, init=False, repr=False)
    _cuts: dict[int | None, Cut] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def items_before(self) -> IntArray:
        """Int64 [q, groups + 1]: items before each group, then all."""
        return running(self.items)

    @cached_property
    def hits_before(self) -> IntArray:
        """Int64 [q, groups + 1]: relevant items before each group, then all."""
        return running(self.relevant)

    @property
    def total_items(self) -> IntArray:
        """Int64 [q]: size of the database."""
        return self.items_before[:, -1]

    @property
    def total_relevant(self) -> IntArray:
        """Int64 [q]: relevant items in the database."""
        return self.hits_before[:, -1]

    def cut(self, k: int | None) -> Cut:
        """The group in which rank ``k`` falls; None, like any k beyond the database, is the last rank.

        Raises:
            ValueError: k is below 1.
        """
        if k is not None and k < 1:
            raise ValueError(f"k is {k}, wanted 1 or more")
        if k not in self._cuts:
            self._cuts[k] = self._cut(k)
        return self._cuts[k]

    def _cut(self, k: int | None) -> Cut:
        ranks = self.total_items.copy() if k is None else np.minimum(self.total_items, k)
        cuts = np.empty((5, len(self)), dtype=np.int64)
        _find_cuts(ranks, self.items, self.relevant, self.items_before, self.hits_before, cuts)
        return Cut(ranks, *cuts)

    def tied(self) -> "Ranking":
        """The same items, all in one group: the ranking by chance."""
        return Ranking(self.total_items[:, None], self.total_relevant[:, None])


@or_uncompiled
@entry_point
def _find_cuts(ranks: Any, items: Any, relevant: Any, items_before: Any, hits_before: Any, cuts: Any) -> None:
    """Find the group in which a rank, from 1 to the number of items, falls for each query.

    Args:
        ranks: int64 [q].
        items: int64 [q, groups].
        relevant: the same of relevant items.
        items_before: int64 [q, groups + 1].
        hits_before: the same of relevant items.
        cuts: int64 [5, q], written to: the group that holds the rank, what stands before it, and what is in it.
    """
    for query in range(len(ranks)):
        low, high = 0, items.shape[1] - 1
        while low < high:  # the first group that ends at the rank or behind it
            middle = (low + high) // 2
            if items_before[query, middle + 1] < ranks[query]:
                low = middle + 1
            else:
                high = middle
        cuts[0, query] = low
        cuts[1, query], cuts[2, query] = items_before[query, low], hits_before[query, low]
        cuts[3, query], cuts[4, query] = items[query, low], relevant[query, low]


def running(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Sums along each row, with a leading zero."""
    sums = np.zeros((len(values), values.shape[1] + 1), dtype=values.dtype)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def precision(ranking: Ranking, k: int) -> FloatArray:
    """Expected precision@k: expected relevant items within the first k, divided by k.

    The divisor stays k where k is beyond the database: ranks that no item fills count as wrong.

    Returns:
        float64 [q] in [0, 1]; NaN without a relevant item in the database.
    """
    return _nan_without_relevant(ranking, _hits(ranking, k) / k)


def recall(ranking: Ranking, k: int) -> FloatArray:
    """Expected recall@k: expected relevant items within the first k, divided by all relevant items.

    Returns:
        float64 [q] in [0, 1]; NaN without a relevant item in the database.
    """
    return _nan_without_relevant(ranking, _hits(ranking, k) / np.maximum(ranking.total_relevant, 1))


def precision_within(ranking: Ranking, radius: int) -> FloatArray:
    """Share of relevant items in the ball of that radius; an empty ball counts 0.

    Args:
        ranking: its groups are the Hamming distances 0, 1, ..., bits.
        radius: in bits, >= 0; beyond the last group the ball holds the whole database.

    Returns:
        float64 [q] in [0, 1]; NaN without a relevant item in the database.
    """
    last = min(radius + 1, ranking.items.shape[1])
    return _nan_without_relevant(ranking, ranking.hits_before[:, last] / np.maximum(ranking.items_before[:, last], 1))


def empty_within(ranking: Ranking, radius: int) -> npt.NDArray[np.bool_]:
    """Bool [q]: no item of the database lies in the ball of that radius (see :func:`precision_within`)."""
    empty: npt.NDArray[np.bool_] = ranking.items_before[:, min(radius + 1, ranking.items.shape[1])] == 0
    return empty


def tied_share(ranking: Ranking, k: int) -> FloatArray:
    """Share of the first k ranks that belong to groups of more than one item; float64 [q] in [0, 1]."""
    cut = ranking.cut(k)
    alone = running((ranking.items == 1).astype(np.int64))[np.arange(len(ranking)), cut.group]
    result: FloatArray = 1 - (alone + (cut.n == 1)) / cut.k
    return result


def _hits(ranking: Ranking, k: int) -> FloatArray:
    """Expected relevant items within the first k."""
    cut = ranking.cut(k)
    result: FloatArray = cut.hits + cut.taken * cut.r / cut.n
    return result


def _nan_without_relevant(ranking: Ranking, values: FloatArray) -> FloatArray:
    return np.where(ranking.total_relevant > 0, values, np.nan)
