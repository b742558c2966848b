"""Throughput in tables: only within one hardware fingerprint."""

import statistics
from collections import Counter
from typing import Any

from hashbench.reporting.leaderboard.table import Cell, Table


def keep_one_hardware(table: Table) -> None:
    """Take the rates of other machines out of the table, all but those of the one that measured most cells."""
    cells = [cell for row in (*table.ranked, *table.unranked) for cell in row.cells.values()]
    machines = {found["hardware"]["id"]: found["hardware"] for cell in cells for found in cell.throughputs}
    if not machines:
        return
    counts = Counter(name for cell in cells for name in {found["hardware"]["id"] for found in cell.throughputs})
    chosen = min(counts, key=lambda name: (-counts[name], name))
    table.hardware = machines[chosen]
    for cell in cells:
        measured = bool(cell.throughputs)
        cell.throughputs = [found for found in cell.throughputs if found["hardware"]["id"] == chosen]
        table.other_hardware |= measured and not cell.throughputs


def encode_rate(cell: Cell) -> float | None:
    """Images per second from decoded images at the best batch, mean of the repetitions' medians."""
    return _mean(cell, lambda throughput: throughput["encode"]["images_per_s"])


def search_rate(cell: Cell, k: int) -> float | None:
    """Queries per second of exact top-k search, mean of the repetitions' medians."""
    return _mean(cell, lambda throughput: throughput["search"].get(str(k), {}).get("queries_per_s"))


def rate_text(rate: float | None) -> str:
    """Three significant figures with thousands separated; – where there is none."""
    if rate is None:
        return "–"
    digits = max(0, 2 - len(str(int(rate))) + 1)
    return f"{float(f'{rate:.3g}'):,.{digits}f}"


def _mean(cell: Cell, pick: Any) -> float | None:
    medians = [found["median"] for throughput in cell.throughputs if (found := pick(throughput))]
    return statistics.fmean(medians) if medians else None
