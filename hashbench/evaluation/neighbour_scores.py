"""Metrics of relevance by neighbours: how many of the nearest by the float vectors a ranking keeps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hashbench.codes import Codes
from hashbench.evaluation.headline import KEPT_PERCENT, MULTIPLES, NEIGHBOURS_CURVE_K, NEIGHBOURS_RANKS
from hashbench.evaluation.neighbours import Neighbours, Places, kept
from hashbench.evaluation.ranking import FloatArray, IntArray

BLOCK_PAIRS = 1 << 18  # of queries and neighbours, whose codes are compared at a time


@dataclass(frozen=True, eq=False)
class NeighbourScores:
    """What a ranking keeps of the nearest neighbours.

    Attributes:
        metrics: "neighbours/recall@10" and the like by id, means over all queries; None for an m beyond 100.
        curve: {"k": 10, "m": [1, 2, ...], "recall": [...]}, the share of the 10 nearest inside the first 10 m ranks.
        recall: float64 [queries], neighbours/recall@10 of each.
    """

    metrics: dict[str, float | None]
    curve: dict[str, Any]
    recall: FloatArray


def neighbour_scores(neighbours: Neighbours, places: Places) -> NeighbourScores:
    """The scores of a ranking in which the neighbours stand at these places.

    Raises:
        ValueError: fewer neighbours were searched for than are scored.
    """
    metrics: dict[str, float | None] = {
        f"neighbours/recall@{k}": float(kept(neighbours, places, k, np.array([k])).mean()) for k in NEIGHBOURS_RANKS
    }
    shares = kept(neighbours, places, NEIGHBOURS_CURVE_K, NEIGHBOURS_CURVE_K * np.array(MULTIPLES))
    means = shares.mean(axis=0)
    for percent in KEPT_PERCENT:
        enough = np.flatnonzero(means >= percent / 100)
        metrics[f"neighbours/m@{percent}"] = float(MULTIPLES[enough[0]]) if len(enough) else None
    curve = {"k": NEIGHBOURS_CURVE_K, "m": list(MULTIPLES), "recall": means.tolist()}
    return NeighbourScores(metrics, curve, shares[:, 0].copy())


def hamming_places(neighbours: Neighbours, query: Codes, database: Codes, items: IntArray) -> Places:
    """Where the neighbours stand in the ranking by Hamming distance.

    Args:
        neighbours: of the queries.
        query: their codes.
        database: those of all items.
        items: int64 [queries, bits + 1], how many items of the database are at each distance.
    """
    before = np.zeros((len(items), items.shape[1] + 1), dtype=np.int64)
    np.cumsum(items, axis=1, out=before[:, 1:])
    owners = neighbours.owners
    distances = np.empty(len(owners), dtype=np.int64)
    for part in _parts(len(owners)):
        differing = np.bitwise_xor(query.packed[owners[part]], database.packed[neighbours.rows[part]])
        distances[part] = np.bitwise_count(differing).sum(axis=1, dtype=np.int64)
    return Places(before[owners, distances], items[owners, distances])


def _parts(pairs: int) -> Iterator[slice]:
    for start in range(0, pairs, BLOCK_PAIRS):
        yield slice(start, start + BLOCK_PAIRS)
