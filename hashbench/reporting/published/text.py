"""A table of published figures and ours, as text."""

from collections.abc import Sequence

from hashbench.reporting.published.figures import FigureTable
from hashbench.reporting.published.verdict import Verdict

HEAD = ("bits", "published", "ours", "gap", "verdict")


def table_lines(table: FigureTable, method: str, verdicts: Sequence[Verdict]) -> list[str]:
    """The table with what one has to know to read it."""
    rows = [HEAD, *(_row(verdict) for verdict in verdicts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    neighbours = f" by {table.neighbours}" if table.neighbours else ""
    lines = [
        f"{method}: {table.title}",
        f"source: {table.source}",
        f"protocol: {table.protocol}, features {table.features}, {table.metric}{neighbours}: {table.setting}",
    ]
    if table.differs:
        lines.append(f"here: {table.differs}")
    for row in rows:
        *numbers, verdict = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join([*numbers, verdict.strip()]))
    lines.append(f"reproduced means within {table.tolerance:g}: {table.why}")
    return lines


def _row(verdict: Verdict) -> tuple[str, ...]:
    gap = "-" if verdict.gap is None else f"{round(verdict.gap, 3) + 0.0:+.3f}"  # without a sign before 0
    stale = " (stale: today's code would not make the record)" if verdict.stale else ""
    ours = "-" if verdict.ours is None else _with_deviation(verdict.ours, verdict.deviation)
    published = _with_deviation(verdict.published, verdict.spread)
    return str(verdict.bits), published, ours, gap, verdict.verdict + stale


def _with_deviation(value: float, deviation: float | None) -> str:
    return f"{value:.3f}" if deviation is None else f"{value:.3f} ± {deviation:.3f}"
