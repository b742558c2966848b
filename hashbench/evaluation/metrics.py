"""Every metric, declared once: id, formula, direction, range and how it is computed."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from hashbench.evaluation.average_precision import ORDERS, Denominator, Order, average_precision
from hashbench.evaluation.graded import acg, ndcg, weighted_average_precision
from hashbench.evaluation.headline import (
    HEADLINE,
    HEADLINE_K,
    KEPT_PERCENT,
    MULTIPLES,
    NEIGHBOURS_CURVE_K,
    NEIGHBOURS_RANKS,
    RADIUS,
)
from hashbench.evaluation.ranking import FloatArray, Ranking, precision, precision_within, recall
from hashbench.util.numbers import whole_number

RANKS = (1, 10, 100, 1000)

_ROUNDING = 1e-12  # room above chance that is rounding only
_SLACK = 1e-6  # beyond a range, which a sum's rounding may pass

PerQuery = Callable[[Ranking], FloatArray]
OfMeans = Callable[[Mapping[str, float]], float | None]


@dataclass(frozen=True)
class Metric:
    """A number about one ranking of a database for each of many queries; the mean is over queries with a relevant item.

    Attributes:
        id: its name in records, "map@1000".
        formula: its definition in one line.
        direction: whether higher ("up") or lower ("down") is better; "none" for a yardstick.
        range: lowest and highest value; None where there is no bound.
        per_query: its values [q] from a ranking; None where it is computed from other metrics' means.
        of_means: its value from those means, where ``per_query`` is None.
        needs_distances: only defined where the groups are Hamming distances.
        needs_gains: of graded relevance; only where a query and an item can share more than one label.
    """

    id: str
    formula: str
    direction: Literal["up", "down", "none"]
    range: tuple[float | None, float | None]
    per_query: PerQuery | None
    of_means: OfMeans | None = None
    needs_distances: bool = False
    needs_gains: bool = False

    def has(self, value: float | None) -> bool:
        """Whether a value is within the range, up to rounding, or None."""
        low, high = self.range
        if value is None:
            return True
        return (-math.inf if low is None else low) - _SLACK <= value <= (math.inf if high is None else high) + _SLACK

    def chance(self, items: int, relevant: int) -> float | None:
        """Its level of chance: the value when all ``items`` tie, ``relevant`` (at least 1) of them relevant.

        None where these two numbers do not give it.
        """
        if self.per_query is None or self.needs_gains:
            return None
        tied = Ranking(np.array([[items]], dtype=np.int64), np.array([[relevant]], dtype=np.int64))
        return float(self.per_query(tied)[0])


def declared(cutoff: int | None = None) -> list[Metric]:
    """All metrics, those at the protocol's customary ``cutoff`` included.

    Raises:
        UsageError: the cutoff is no whole number from 1 to a billion.
    """
    cutoff = None if cutoff is None else whole_number("cutoff", cutoff, 1)
    ranks = sorted({*RANKS, *([] if cutoff is None else [cutoff])})
    metrics = [*_headline(), *_whole_ranking()]
    if cutoff is not None and cutoff != HEADLINE_K:
        metrics += _by_denominator(cutoff)
    metrics += [_precision(k) for k in ranks] + [_recall(k) for k in ranks]
    return [*metrics, _within_radius(), _chance(), _adjusted(), *_graded(cutoff, ranks)]


def declared_metric(metric: str, cutoff: int | None) -> Metric | None:
    """The metric of that id; None for one that only another version of hashbench declares."""
    return next((one for one in (*declared(cutoff), *declared_neighbours()) if one.id == metric), None)


def declared_neighbours() -> list[Metric]:
    """The metrics of relevance by neighbours, which :mod:`hashbench.evaluation.neighbour_scores` computes."""
    recalls = [_kept(k) for k in NEIGHBOURS_RANKS]
    return [*recalls, *(_multiple(percent) for percent in KEPT_PERCENT)]


def _kept(k: int) -> Metric:
    formula = f"share of the {k} nearest by the float vectors among the first {k} ranks; mean over all orders of ties"
    return Metric(f"neighbours/recall@{k}", formula, "up", (0, 1), None)


def _multiple(percent: int) -> Metric:
    k = NEIGHBOURS_CURVE_K
    formula = f"smallest m with {percent} % of the {k} nearest by the float vectors among the first {k} m ranks"
    return Metric(f"neighbours/m@{percent}", f"{formula}; none above {MULTIPLES[-1]}", "down", (1, MULTIPLES[-1]), None)


def _headline() -> list[Metric]:
    bounds = [_average_precision(HEADLINE_K, "hits", "best"), _average_precision(HEADLINE_K, "hits", "worst")]
    return [*_by_denominator(HEADLINE_K), *bounds]


def _whole_ranking() -> list[Metric]:
    return [_average_precision(None, "hits", order) for order in ORDERS]


def _by_denominator(k: int) -> list[Metric]:
    denominators: tuple[Denominator, ...] = ("hits", "min", "total")
    return [_average_precision(k, denominator, "expected") for denominator in denominators]


def _average_precision(k: int | None, denominator: Denominator, order: Order) -> Metric:
    suffix = {"hits": "", "min": "/min", "total": "/total"}[denominator] + ("" if order == "expected" else f"/{order}")
    ranks = "all ranks" if k is None else f"the first {k} ranks"
    divisor = {"hits": "hits there", "min": f"min({k}, R)", "total": "R"}[denominator] if k else "R"
    ties = {"expected": "mean", "best": "highest value", "worst": "lowest value"}[order]
    return Metric(
        id=f"map@{'all' if k is None else k}{suffix}",
        formula=f"sum of precision at the hits among {ranks} / {divisor}; {ties} over all orders of the ties",
        direction="up",
        range=(0, 1),
        per_query=partial(average_precision, k=k, denominator=denominator, order=order),
    )


def _precision(k: int) -> Metric:
    formula = f"expected hits among the first {k} ranks / {k}"
    return Metric(f"precision@{k}", formula, "up", (0, 1), partial(precision, k=k))


def _recall(k: int) -> Metric:
    formula = f"expected hits among the first {k} ranks / R"
    return Metric(f"recall@{k}", formula, "up", (0, 1), partial(recall, k=k))


def _graded(cutoff: int | None, ranks: list[int]) -> list[Metric]:
    """Metrics of the number of shared labels."""
    shares = "expected over all orders of the ties; where items have several labels"
    metrics = []
    for k in [*sorted({HEADLINE_K, HEADLINE_K if cutoff is None else cutoff}), None]:
        among = "all ranks" if k is None else f"the first {k} ranks"
        formula = f"mean of ACG at the ranks of the hits among {among}; {shares}"
        metrics.append(_of_gains("wap", k, formula, None, weighted_average_precision))
    for k in [*ranks, None]:
        among = "all ranks" if k is None else f"the first {k} ranks"
        formula = f"sum of (2^shared labels - 1) / log2(1 + rank) over {among} / that of the best ranking; {shares}"
        metrics.append(_of_gains("ndcg", k, formula, 1, ndcg))
    for k in ranks:
        formula = f"expected labels that the first {k} ranks share with the query / {k}"
        metrics.append(_of_gains("acg", k, formula, None, acg))
    return metrics


def _of_gains(
    name: str, k: int | None, formula: str, most: float | None, per_query: Callable[..., FloatArray]
) -> Metric:
    values = partial(per_query, k=k)
    return Metric(f"{name}@{'all' if k is None else k}", formula, "up", (0, most), values, needs_gains=True)


def _within_radius() -> Metric:
    formula = f"hits within Hamming distance {RADIUS} / items there; 0 where there are none"
    per_query = partial(precision_within, radius=RADIUS)
    return Metric(f"precision@r{RADIUS}", formula, "up", (0, 1), per_query, needs_distances=True)


def _chance() -> Metric:
    return Metric("chance", f"{HEADLINE} when all items tie", "none", (0, 1), _headline_when_tied)


def _headline_when_tied(ranking: Ranking) -> FloatArray:
    return average_precision(ranking.tied(), HEADLINE_K)


def _adjusted() -> Metric:
    formula = f"({HEADLINE} - chance) / (1 - chance)"
    return Metric(f"adjusted_{HEADLINE}", formula, "up", (None, 1), None, _above_chance)


def _above_chance(means: Mapping[str, float]) -> float | None:
    """Chance-adjusted mAP; None where everything is relevant, so that chance is perfect already (but for rounding)."""
    room = 1 - means["chance"]
    return (means[HEADLINE] - means["chance"]) / room if room > _ROUNDING else None
