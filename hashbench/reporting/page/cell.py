"""A cell of a table as the page's script reads it: values, curves, queries, runs."""

import math
import statistics
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashbench.evaluation.headline import NEIGHBOURS_HEADLINE
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.cell_text import multiple
from hashbench.reporting.leaderboard.table import Cell
from hashbench.reporting.page.measures import Measure
from hashbench.reporting.page.origin import Content, Origins
from hashbench.reporting.plain_text import plain
from hashbench.reporting.statistics import Paired

WORST_QUERIES = 10
CURVE_POINTS = 60
CURVE_DIGITS = 4
MEAN_DIGITS = 17  # all that a float has: the script rounds to three, as the table does, and in one step
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)

FloatArray = npt.NDArray[np.float64]


def cell_content(cell: Cell, bits: int | None, measures: Sequence[Measure], origins: Origins) -> Content:
    """A cell for the page's script; numbers that are missing are None.

    ``mean``, ``sd`` and each run's ``values`` are in the order of ``measures``; ``radius`` and ``rank`` hold means over
    the repetitions and, for precision, their standard deviations. ``multiple`` is what stands beside
    the recall of neighbours.
    """
    values = [[measure.of(record) if measure.of else None for record in cell.ok] for measure in measures]
    each = list(zip(measures, values, strict=True))
    return {
        "bits": bits,
        "mean": [
            rounded(measure.of_cell(cell) if measure.of_cell else _mean(own), MEAN_DIGITS) for measure, own in each
        ],
        "sd": [None if measure.of_cell else rounded(_deviation(own), MEAN_DIGITS) for measure, own in each],
        "stale": cell.stale,
        "multiple": multiple(cell, NEIGHBOURS_HEADLINE) if cell.values(NEIGHBOURS_HEADLINE) else "",
        "against": _against(cell.vs_best),
        "radius": _curve([record["curves"]["radius"] for record in cell.ok if record["curves"]["radius"]]),
        "rank": _curve([record["curves"]["rank"] for record in cell.ok if record["curves"]["rank"]]),
        "queries": _queries(cell),
        "runs": [
            {**origins.of(record), "values": [rounded(own[number]) for own in values]}
            for number, record in enumerate(cell.ok)
        ],
        "troubles": [_failure(record, origins) for record in cell.failed],
    }


def _present(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _mean(values: Sequence[float | None]) -> float | None:
    present = _present(values)
    return statistics.fmean(present) if present else None


def _deviation(values: Sequence[float | None]) -> float | None:
    present = _present(values)
    if len(present) < 2:
        return None
    mean = statistics.fmean(present)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in present) / (len(present) - 1))


def _against(paired: Paired | None) -> Content | None:
    if paired is None:
        return None
    return {
        "difference": rounded(paired.difference),
        "low": rounded(paired.low),
        "high": rounded(paired.high),
        "p": rounded(paired.p),
        "effect": rounded(paired.effect),
        "queries": paired.queries,
    }


def _curve(curves: Sequence[Record]) -> Content | None:
    """Mean over the repetitions at each radius or rank, at most ``CURVE_POINTS`` of them; None where they differ."""
    if not curves or len({len(curve["precision"]) for curve in curves}) > 1:
        return None
    precision, recall = (
        np.array([curve[name] for curve in curves], dtype=np.float64) for name in ("precision", "recall")
    )
    spread = precision.std(axis=0, ddof=1) if len(curves) > 1 else None
    shown = _thinned(len(precision[0]))
    return {
        "at": [curves[0]["k"][index] for index in shown] if "k" in curves[0] else shown,
        "precision": _listed(precision.mean(axis=0)[shown]),
        "recall": _listed(recall.mean(axis=0)[shown]),
        "sd": None if spread is None else _listed(spread[shown]),
    }


def _thinned(points: int) -> list[int]:
    """Indices of evenly spread points, first and last among them."""
    return sorted({round(index) for index in np.linspace(0, points - 1, min(points, CURVE_POINTS))})


def _listed(values: FloatArray) -> list[float | None]:
    return [rounded(float(value), CURVE_DIGITS) for value in values]


def _queries(cell: Cell) -> Content | None:
    """How AP spreads over the queries, and those with the lowest, by the data set's item numbers."""
    per_query = cell.per_query
    if per_query is None or not np.isfinite(per_query.average_precision).any():
        return None
    answered = np.isfinite(per_query.average_precision)
    items, values = per_query.items[answered], per_query.average_precision[answered]
    lowest = np.lexsort((items, values))[:WORST_QUERIES]
    return {
        "quantiles": _listed(np.quantile(values, QUANTILES)),
        "worst": [[int(items[index]), rounded(float(values[index]), CURVE_DIGITS)] for index in lowest],
    }


def _failure(record: Record, origins: Origins) -> Content:
    error = record["error"]
    return {
        **origins.of(record),
        "status": record["status"],
        "phase": error["phase"],
        "exception": plain(error["exception"] or ""),
        "message": plain(error["message"]),
    }


def rounded(value: float | None, digits: int = 6) -> float | None:
    """The value with ``digits`` decimals, above 1 with as many significant figures; None if missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}") if abs(value) > 1 else round(value, digits)
    return int(short) if short == int(short) else short
