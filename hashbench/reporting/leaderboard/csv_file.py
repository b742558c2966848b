"""The leaderboard as CSV: one line per cell, every metric with mean and standard deviation."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from hashbench.reporting.leaderboard.rescored import rescored_columns
from hashbench.reporting.leaderboard.table import Cell, Line, Table
from hashbench.reporting.metric_names import MULTIPLE

WHOLE = ("bits", "limit", "rank", "bytes_per_item", "rescored_m")
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def csv(tables: Iterable[Table]) -> str:
    """All cells of all tables, in the order of the leaderboard."""
    frame = pd.DataFrame(lines(tables)).map(_as_text)
    frame = frame.astype({name: "Int64" for name in WHOLE if name in frame})  # also where cells are empty
    return frame.rename(columns=_as_text).to_csv(index=False, lineterminator="\n")


def _as_text(cell: Any) -> Any:
    """The cell, a name that a spreadsheet would take for a formula behind an apostrophe, so that it stays text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_BEGINNINGS) else cell


def lines(tables: Iterable[Table]) -> list[dict[str, Any]]:
    """A dictionary per cell, by column; a cell that did not end well has no metrics."""
    return [
        {**_about_row(table, line), "bits": bits, **_figures(cell)}
        for table in tables
        for line in table.lines()
        for bits, cell in line.row.by_bits()
    ]


def _about_row(table: Table, line: Line) -> dict[str, Any]:
    key, row = table.key, line.row
    card = table.card
    items = {f"{part}_items": count for part, count in card["sizes"].items()}
    return {
        "protocol": key.protocol,
        "card": key.card,
        **items,
        **{f"{part}_missing": count for part, count in card["missing"].items()},
        "supervised": key.supervised,
        **({"ranking": key.ranking} if key.ranking else {}),
        "metrics_version": key.metric_version,
        "seed": key.seed,
        "features": key.features,
        "features_dtype": key.dtype,
        "features_weights": key.weights or None,
        "limit": key.limit or None,
        "rank": line.rank,
        "method": row.method,
        **({"information": row.information} if table.shows_information else {}),
        "preset": row.preset,
        "variant": row.label.removeprefix(row.method).strip(),
    }


def _figures(cell: Cell) -> dict[str, Any]:
    metrics = list(cell.ok[0]["metrics"]) if cell.ok else []
    multiples = {metric: cell.largest(metric) for metric in metrics if metric.startswith(MULTIPLE)}
    means = {metric: cell.mean(metric) for metric in metrics}
    spread = {f"{metric} sd": cell.deviation(metric) for metric in metrics if metric not in multiples}
    return {
        **({} if cell.bytes_per_item() is None else {"bytes_per_item": cell.bytes_per_item()}),
        "repetitions": len(cell.ok),
        "troubled": "; ".join(record["status"] for record in cell.failed),
        **(means | multiples),
        **(spread if len(cell.ok) > 1 else {}),
        **_vs_best(cell),
        "fit_s": cell.seconds("fit"),
        **_encode_rate(cell),
        "search_queries_per_s": cell.search_rate(),
        **rescored_columns(cell),
    }


def _encode_rate(cell: Cell) -> dict[str, float | None]:
    """Images per second, for a data set without images empty; its vectors per second have a column of their own."""
    rate = cell.encode_rate()
    if not cell.has_vectors or rate is None:
        return {"encode_images_per_s": rate}
    return {"encode_images_per_s": None, "encode_vectors_per_s": rate}


def _vs_best(cell: Cell) -> dict[str, Any]:
    """Comparison of AP at 1,000 with the column's best cell, p adjusted for all pairs; nothing where there is none."""
    paired = cell.vs_best
    if paired is None:
        return {}
    return {
        "to_best": paired.difference,
        "to_best_low": paired.low,
        "to_best_high": paired.high,
        "to_best_p": paired.p,
        "to_best_effect": paired.effect,
    }
