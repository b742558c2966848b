"""Precision-recall curves, by Hamming radius and by rank, as values per query."""

from dataclasses import dataclass

import numpy as np

from hashbench.evaluation.ranking import FloatArray, Ranking, precision, recall


@dataclass(frozen=True)
class RadiusCurve:
    """Values at the radii 0 .. bits, float64 [q, bits + 1]; the last radius holds the whole database, so recall is 1.

    Attributes:
        precision: share of relevant items in the ball, 0 where it is empty; its mean is over all queries, empty balls
            included, and depends on no rule for ties.
        recall: share of the relevant items that lie in the ball.
        empty: 1 where the ball is empty, else 0.
    """

    precision: FloatArray
    recall: FloatArray
    empty: FloatArray


@dataclass(frozen=True)
class RankCurve:
    """Expected precision and recall after the first k items for every k of a grid, float64 [q, len(grid)]."""

    precision: FloatArray
    recall: FloatArray


def radius_curve(ranking: Ranking) -> RadiusCurve:
    """The curve by radius of queries with a relevant item; the ranking's groups are the distances 0 .. bits."""
    items, hits = ranking.items_before[:, 1:], ranking.hits_before[:, 1:]
    return RadiusCurve(
        precision=hits / np.maximum(items, 1),
        recall=hits / ranking.total_relevant[:, None],
        empty=(items == 0).astype(np.float64),
    )


def rank_curve(ranking: Ranking, grid: list[int]) -> RankCurve:
    """The curve by rank of queries with a relevant item."""
    return RankCurve(
        precision=np.stack([precision(ranking, k) for k in grid], axis=1),
        recall=np.stack([recall(ranking, k) for k in grid], axis=1),
    )


def rank_grid(items: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, ... below ``items``, and ``items``."""
    decades = range(len(str(items)))
    return [k for decade in decades for k in (10**decade, 2 * 10**decade, 5 * 10**decade) if k < items] + [items]
