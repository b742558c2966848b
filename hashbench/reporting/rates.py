"""Throughput in tables: only within one hardware fingerprint."""

import statistics
from typing import Any

from hashbench.reporting.table import Cell


def encode_rate(cell: Cell) -> float | None:
    """Images per second from decoded images at the best batch; see :func:`_only`."""
    return _only(cell, lambda throughput: throughput["encode"]["images_per_s"])


def search_rate(cell: Cell, k: int) -> float | None:
    """Queries per second of exact top-k search; see :func:`_only`."""
    return _only(cell, lambda throughput: throughput["search"].get(str(k), {}).get("queries_per_s"))


def rate_text(rate: float | None) -> str:
    """Three significant figures with thousands separated; – where there is none."""
    if rate is None:
        return "–"
    digits = max(0, 2 - len(str(int(rate))) + 1)
    return f"{float(f'{rate:.3g}'):,.{digits}f}"


def _only(cell: Cell, pick: Any) -> float | None:
    """Mean of the medians over repetitions; None without any, or where they come from different machines."""
    if len({throughput["hardware"]["id"] for throughput in cell.throughputs}) != 1:
        return None
    medians = [found["median"] for throughput in cell.throughputs if (found := pick(throughput))]
    return statistics.fmean(medians) if medians else None
