"""What an evaluation returns, summed up over blocks of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hashbench.evaluation.curves import radius_curve, rank_curve
from hashbench.evaluation.diagnostics import Diagnostics
from hashbench.evaluation.headline import HEADLINE, HEADLINE_K, RADIUS
from hashbench.evaluation.histograms import Histograms
from hashbench.evaluation.metrics import Metric
from hashbench.evaluation.neighbour_scores import NeighbourScores
from hashbench.evaluation.ranking import FloatArray, Ranking, empty_within, tied_share

TIED_SHARE, EMPTY_SHARE = f"tied_share@{HEADLINE_K}", f"empty_share@r{RADIUS}"


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


def without_labels(queries: int, diagnostics: Diagnostics) -> Scores:
    """The scores of so many queries where nothing has a label."""
    curves = {"radius": None, "rank": None}
    return Scores({}, curves, np.full(queries, np.nan), {"scored": queries, "unanswerable": 0}, diagnostics)


class Tally:
    """Sums of values over blocks of queries, so that a query's table of groups is needed only once.

    Args:
        metrics: what is computed.
        grid: ranks of the curve by rank.
        distances: groups are Hamming distances.
        ties: the share of ties is a diagnostic.
    """

    def __init__(self, metrics: list[Metric], grid: list[int], *, distances: bool, ties: bool) -> None:
        self.metrics, self.grid, self.distances, self.ties = metrics, grid, distances, ties
        self.scored, self.graded = 0, False
        self.average_precision: list[FloatArray] = []
        self.sums: dict[str, FloatArray] = {}

    def scores(self, blocks: Iterable[Histograms], diagnostics: Diagnostics) -> Scores:
        """The means over all blocks, with these diagnostics.

        Raises:
            ValueError: no query has a relevant item.
            ArithmeticError: a metric is outside its range.
        """
        for block in blocks:
            self._add(block)
        average_precision = np.concatenate(self.average_precision)
        if not self.scored:
            raise ValueError(
                f"evaluation: none of the {len(average_precision)} queries has a relevant item in the database; "
                f"are the labels in the same order as the codes?"
            )
        means = {name: value / self.scored for name, value in self.sums.items()}
        shares = {TIED_SHARE: "tied", EMPTY_SHARE: "empty ball"}
        diagnostics = diagnostics | {share: float(means[name]) for share, name in shares.items() if name in means}
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
            values["empty ball"] = empty_within(ranking, RADIUS).astype(np.float64)
        if self.ties:
            values["tied"] = tied_share(ranking, HEADLINE_K)
        return values

    def _metrics(self, means: dict[str, FloatArray]) -> dict[str, float | None]:
        numbers = {metric.id: float(means[metric.id]) for metric in self.metrics if metric.id in means}
        values = {
            metric.id: metric.of_means(numbers) if metric.of_means else numbers.get(metric.id)
            for metric in self.metrics
            if self.graded or not metric.needs_gains
        }
        for metric in self.metrics:
            if not metric.has(values.get(metric.id)):
                raise ArithmeticError(
                    f"evaluation: {metric.id} is {values[metric.id]}, outside its range {list(metric.range)}: what was "
                    "counted is wrong, so nothing is scored; please report this"
                )
        return values

    def _curves(self, means: dict[str, FloatArray]) -> dict[str, Any]:
        names = ("precision", "recall", "empty")
        radius = {name: means[name].tolist() for name in names} if self.distances else None
        rank = {name: means[f"rank {name}"].tolist() for name in ("precision", "recall")}
        return {"radius": radius, "rank": {"k": self.grid, **rank}}
