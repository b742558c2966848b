"""``hb.evaluate``: every metric, curve and diagnostic of one ranking of a database for each of many queries."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hashbench.codes import Codes, CodesLike, as_codes
from hashbench.dataset import Distance
from hashbench.evaluation.curves import radius_curve, rank_curve, rank_grid
from hashbench.evaluation.diagnostics import Diagnostics, code_diagnostics
from hashbench.evaluation.feature_rows import Features
from hashbench.evaluation.headline import HEADLINE, HEADLINE_K, RADIUS
from hashbench.evaluation.histograms import Histograms, distance_histograms
from hashbench.evaluation.metrics import Metric, declared
from hashbench.evaluation.neighbour_scores import NeighbourScores, hamming_places, neighbour_scores
from hashbench.evaluation.neighbours import Neighbours, kept
from hashbench.evaluation.ranking import FloatArray, Ranking, empty_within, tied_share
from hashbench.evaluation.relevance import Labels
from hashbench.evaluation.similarities import similarity_histograms
from hashbench.util.device import pick_device

__all__ = ["Scores", "evaluate", "evaluate_features", "warm_up"]


@dataclass(frozen=True, eq=False)
class Scores:
    """What an evaluation returns; all but ``average_precision`` is ready for JSON.

    Attributes:
        metrics: value by id (``hashbench.evaluation.metrics.declared``), means over the queries with a relevant item;
            None where a metric is not defined; graded ones only where a query and an item can share several labels.
            Without labels only those of neighbours are there.
        curves: "radius" {"precision", "recall", "empty"}, lists over the radii 0 .. bits, or None for a ranking by
            features; "rank" {"k", "precision", "recall"}. Means over the queries with a relevant item. Both are None
            without labels. "neighbours" where there are some: {"k", "m", "recall"}, see :class:`NeighbourScores`.
        average_precision: float64 [queries], map@1000 of each; NaN where the database holds no relevant item, and
            without labels.
        queries: {"scored", "unanswerable"}, their numbers; without labels all are scored.
        diagnostics: figures about the database's codes; empty for a ranking by features.
        neighbour_recall: float64 [queries], neighbours/recall@10 of each; None where no neighbours were given.
    """

    metrics: dict[str, float | None]
    curves: dict[str, Any]
    average_precision: FloatArray
    queries: dict[str, int]
    diagnostics: Diagnostics
    neighbour_recall: FloatArray | None = None

    def with_neighbours(self, kept: NeighbourScores) -> "Scores":
        """These scores, and those of the nearest neighbours."""
        return replace(
            self,
            metrics={**self.metrics, **kept.metrics},
            curves={**self.curves, "neighbours": kept.curve},
            neighbour_recall=kept.recall,
        )


def evaluate(
    query_codes: CodesLike,
    database_codes: CodesLike,
    query_labels: Labels | None,
    database_labels: Labels | None,
    cutoff: int | None = None,
    device: torch.device | str = "auto",
    *,
    bits: int | None = None,
    own_rows: npt.NDArray[np.int64] | None = None,
    neighbours: Neighbours | None = None,
) -> Scores:
    """Score a Hamming ranking: ``hb.evaluate(query_codes, database_codes, query_labels, database_labels)``.

    No queries x database matrix is made. Beside codes and labels it needs less than 100 MB for 2,100 queries, 193,734
    items and 64 bits: blocks of fixed size, and histograms of q (bits + 1) cells in 32 bytes each. Unpacked codes add
    their packed copies, and class numbers two copies of their own, however many classes there are.

    Args:
        query_codes: bool [q, bits], numpy or torch, True is +1; or :class:`Codes`; or with ``bits`` packed codes,
            uint8 [q, ceil(bits / 8)], the first bit highest, as numpy.packbits makes them.
        database_codes: the same of n items.
        query_labels: class numbers [q] or bool [q, classes]; items are relevant that share a label. None, of both
            sides, leaves out what needs labels.
        database_labels: class numbers [n] or bool [n, classes].
        cutoff: the protocol's customary k, scored beside the usual ones.
        device: where distances are counted: auto, cpu, cuda, cuda:1. The numbers are the same everywhere.
        bits: code length, where codes are packed.
        own_rows: leave one out: for each query the row of the database that is the query itself, int64 [q], -1 for
            none; it is left out of that query's ranking.
        neighbours: the nearest items by the float vectors, of :func:`nearest_neighbours`; scored beside labels.

    Raises:
        ValueError: shapes, dtypes or labels do not fit, a side is empty, or no query has a relevant item.
    """
    metrics = declared(cutoff)
    query, database = as_codes(query_codes, bits), as_codes(database_codes, bits)
    if query_labels is None or database_labels is None:
        one_class = np.zeros(max(len(query), len(database)), dtype=np.int64)
        labels = one_class[: len(query)], one_class[: len(database)]
        histograms = distance_histograms(query, database, *labels, _device(device), own_rows)
        scores = _without_labels(len(query), {**code_diagnostics(database), **_ties(histograms)})
    else:
        histograms = distance_histograms(query, database, query_labels, database_labels, _device(device), own_rows)
        tally = _Tally(metrics, rank_grid(len(database)), distances=True)
        scores = tally.scores(histograms.blocks(), code_diagnostics(database))
    if neighbours is None:
        return scores
    return scores.with_neighbours(
        neighbour_scores(neighbours, hamming_places(neighbours, query, database, histograms.items))
    )


def evaluate_features(
    query: Features,
    database: Features,
    query_labels: Labels | None,
    database_labels: Labels | None,
    cutoff: int | None = None,
    device: torch.device | str = "auto",
    *,
    distance: Distance = "cosine",
    neighbours: Neighbours | None = None,
) -> Scores:
    """Score the ranking by a distance of float features [n, d]: by default the cosine, centred by the caller.

    With ``neighbours``, which must be nearest under the same distance, all of them are kept.

    Features may also be :class:`hashbench.evaluation.feature_rows.FeatureRows`, of which only blocks are held. There is
    no curve by radius, precision within a radius is None and diagnostics are empty; the rest is that of
    :func:`evaluate`, with equal similarities as ties. Memory: see :func:`similarity_histograms`.

    Raises:
        ValueError: shapes, dtypes or labels do not fit, numbers are not finite, a side is empty, or no query has a
            relevant item.
    """
    metrics = declared(cutoff)
    where = _device(device)
    if query_labels is None or database_labels is None:
        scores = _without_labels(len(query), {})
    else:
        with torch.autocast(where.type, enabled=False):  # a caller's: similarities are float32
            blocks = similarity_histograms(query, database, query_labels, database_labels, where, distance)
            scores = _Tally(metrics, rank_grid(len(database)), distances=False).scores(blocks, {})
    return scores if neighbours is None else scores.with_neighbours(neighbour_scores(neighbours, neighbours.places()))


def _without_labels(queries: int, diagnostics: Diagnostics) -> Scores:
    curves = {"radius": None, "rank": None}
    return Scores({}, curves, np.full(queries, np.nan), {"scored": queries, "unanswerable": 0}, diagnostics)


def _ties(histograms: Histograms) -> Diagnostics:
    """Means over all queries of what ties in their rankings."""
    tied, empty = 0.0, 0.0
    for block in histograms.blocks():
        ranking = Ranking(block.items, block.relevant)
        tied += float(tied_share(ranking, HEADLINE_K).sum())
        empty += float(empty_within(ranking, RADIUS).sum())
    return {f"tied_share@{HEADLINE_K}": tied / len(histograms), f"empty_share@r{RADIUS}": empty / len(histograms)}


def warm_up(device: torch.device, graded: bool = True) -> None:
    """Compile the loops that evaluations run, or load them from the cache, before an evaluation that is timed.

    Args:
        device: where distances are counted.
        graded: also those of graded relevance, which labels need of which two items can share several.
    """
    codes, features = Codes.pack(np.eye(2, 8, dtype=np.bool_)), torch.eye(2)
    one = Neighbours(1, "l2", np.arange(3), np.arange(2), np.zeros(2, dtype=np.float32))
    kept(one, one.places(), 1, np.arange(1, 3))
    for labels in (np.arange(2), np.ones((2, 2), dtype=np.bool_) if graded else np.eye(2, dtype=np.bool_)):
        evaluate(codes, codes, labels, labels, device=device)
        evaluate_features(features, features, labels, labels, device=device)


def _device(device: torch.device | str) -> torch.device:
    return device if isinstance(device, torch.device) else pick_device(device)


class _Tally:
    """Sums of values over blocks of queries, so that a query's table of groups is needed only once."""

    def __init__(self, metrics: list[Metric], grid: list[int], distances: bool) -> None:
        self.metrics, self.grid, self.distances = metrics, grid, distances
        self.scored, self.graded = 0, False
        self.average_precision: list[FloatArray] = []
        self.sums: dict[str, FloatArray] = {}

    def scores(self, blocks: Iterable[Histograms], diagnostics: Diagnostics) -> Scores:
        for block in blocks:
            self._add(block)
        average_precision = np.concatenate(self.average_precision)
        if not self.scored:
            raise ValueError(
                f"evaluation: none of the {len(average_precision)} queries has a relevant item in the database; "
                f"are the labels in the same order as the codes?"
            )
        means = {name: value / self.scored for name, value in self.sums.items()}
        if self.distances:
            shares = f"tied_share@{HEADLINE_K}", f"empty_share@r{RADIUS}"
            diagnostics = {**diagnostics, shares[0]: float(means["tied"]), shares[1]: float(means["empty ball"])}
        return Scores(
            metrics=self._metrics(means),
            curves=self._curves(means),
            average_precision=average_precision,
            queries={"scored": self.scored, "unanswerable": len(average_precision) - self.scored},
            diagnostics=diagnostics,
        )

    def _add(self, block: Histograms) -> None:
        answerable = block.relevant.any(axis=1)
        average_precision = np.full(len(block), np.nan)
        self.average_precision.append(average_precision)
        if not answerable.any():
            return
        gains = block.gains[answerable] if block.gains else None
        ranking = Ranking(block.items[answerable], block.relevant[answerable], gains)
        self.graded = gains is not None
        values = self._values(ranking)
        average_precision[answerable] = values[HEADLINE]
        self.scored += len(ranking)
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, np.zeros(value.shape[1:])) + value.sum(axis=0)

    def _values(self, ranking: Ranking) -> dict[str, FloatArray]:
        """Values of each query: metrics by id [q], points of curves by name [q, points]."""
        metrics = [
            metric
            for metric in self.metrics
            if (self.distances or not metric.needs_distances) and (self.graded or not metric.needs_gains)
        ]
        values = {metric.id: metric.per_query(ranking) for metric in metrics if metric.per_query}
        by_rank = rank_curve(ranking, self.grid)
        values |= {"rank precision": by_rank.precision, "rank recall": by_rank.recall}
        if self.distances:
            curve = radius_curve(ranking)
            values |= {"precision": curve.precision, "recall": curve.recall, "empty": curve.empty}
            values["tied"] = tied_share(ranking, HEADLINE_K)
            values["empty ball"] = empty_within(ranking, RADIUS).astype(np.float64)
        return values

    def _metrics(self, means: dict[str, FloatArray]) -> dict[str, float | None]:
        numbers = {metric.id: float(means[metric.id]) for metric in self.metrics if metric.id in means}
        return {
            metric.id: metric.of_means(numbers) if metric.of_means else numbers.get(metric.id)
            for metric in self.metrics
            if self.graded or not metric.needs_gains
        }

    def _curves(self, means: dict[str, FloatArray]) -> dict[str, Any]:
        names = ("precision", "recall", "empty")
        radius = {name: means[name].tolist() for name in names} if self.distances else None
        rank = {name: means[f"rank {name}"].tolist() for name in ("precision", "recall")}
        return {"radius": radius, "rank": {"k": self.grid, **rank}}
