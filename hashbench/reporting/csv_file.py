"""The leaderboard as CSV: one line per cell, every metric with mean and standard deviation."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from hashbench.reporting.rates import encode_rate, search_rate
from hashbench.reporting.table import Cell, Row, Table


def csv(tables: Iterable[Table]) -> str:
    """All cells of all tables, in the order of the leaderboard."""
    lines = []
    for table in tables:
        for row in (*table.ranked, *table.unranked, *table.references):
            for bits, cell in sorted(row.cells.items(), key=lambda item: item[0] or 0):
                lines.append({**_place(table, row), "bits": bits, **_figures(cell)})
    return pd.DataFrame(lines).astype({"bits": "Int64"}).to_csv(index=False, lineterminator="\n")


def _place(table: Table, row: Row) -> dict[str, Any]:
    ground = table.ground
    card = table.records()[0]["protocol_card"]
    items = {f"{part}_items": count for part, count in card["sizes"].items()}
    return {
        "protocol": ground.protocol,
        "card": ground.card,
        **items,
        **{f"{part}_missing": count for part, count in card["missing"].items()},
        "supervised": ground.supervised,
        "metrics_version": ground.metric_version,
        "seed": ground.seed,
        "features": ground.features,
        "features_dtype": ground.dtype,
        "features_weights": ground.weights or None,
        "limit": ground.limit or None,
        "rank": table.ranked.index(row) + 1 if row in table.ranked else None,
        "method": row.method,
        "preset": row.preset,
        "variant": row.label.removeprefix(row.method).strip(),
    }


def _figures(cell: Cell) -> dict[str, Any]:
    metrics = list(cell.ok[0]["metrics"]) if cell.ok else []
    spread = {f"{metric} sd": cell.deviation(metric) for metric in metrics} if len(cell.ok) > 1 else {}
    return {
        "repetitions": len(cell.ok),
        "troubled": "; ".join(record["status"] for record in cell.troubled),
        **{metric: cell.mean(metric) for metric in metrics},
        **spread,
        "fit_s": cell.seconds("fit"),
        "encode_images_per_s": encode_rate(cell),
        "search_queries_per_s": search_rate(cell, 100),
    }
