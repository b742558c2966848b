"""Curves with a panel per code length and a line per row: mean over repetitions, with a band of their deviation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from hashbench.reporting.figures.layout import FigureLayout
from hashbench.reporting.figures.style import Style
from hashbench.reporting.leaderboard.table import Cell, Row, Table

BAND_OPACITY = 0.18
MARKER_DISTANCE = 0.17  # between markers of a line, in widths of its panel


@dataclass(frozen=True)
class Curve:
    """Points of a line, float64 [points]; ``deviation`` of y (n - 1), None below two repetitions."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64] | None


def over_repetitions(x: Sequence[Sequence[float | None]], y: Sequence[Sequence[float | None]]) -> Curve:
    """Mean x and y point by point, [repetitions, points] each; a point that one repetition lacks is a gap."""
    across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return Curve(across.mean(0), up.mean(0), up.std(0, ddof=1) if len(up) > 1 else None)


def recorded(cell: Cell, kind: str, x: str, y: str) -> Curve | None:
    """A cell's curve by "radius", "rank" or "neighbours", None where its records have none."""
    curves = [curve for record in cell.ok if (curve := record["curves"].get(kind)) is not None]
    return over_repetitions([curve[x] for curve in curves], [curve[y] for curve in curves]) if curves else None


def draw_line(axis: Axes, curve: Curve, style: Style, **changes: Any) -> None:
    """The curve and, over several repetitions, its band."""
    axis.plot(curve.x, curve.y, **style.line(**changes))
    if curve.deviation is not None:
        low, high = curve.y - curve.deviation, curve.y + curve.deviation
        axis.fill_between(curve.x, low, high, color=style.colour, alpha=BAND_OPACITY, linewidth=0)


def curve_panels(
    table: Table, styles: Mapping[str, Style], curves: Mapping[tuple[int, int], Curve], scale: Callable[[Any], Any]
) -> tuple[FigureLayout, list[Row]]:
    """A layout with the curves of (bits, index of the row), and the rows that have any, in the table's order.

    ``scale`` is what the axis of x does to it: numpy's ``log`` or ``asarray``.
    """
    rows = table.rows
    columns = sorted({bits for bits, _ in curves})
    layout = FigureLayout(len(columns), 2.6 if len(columns) > 1 else 3.2, shared=True)
    for axis, bits in zip(layout.panels, columns, strict=True):
        axis.set_title(f"{bits} bits")
        for index, row in reversed(list(enumerate(rows))):  # the best on top
            curve = curves.get((bits, index))
            if curve is not None:
                marks = _marks(scale(curve.x), 0.03 + MARKER_DISTANCE * (index % 5) / 5)
                draw_line(axis, curve, styles[row.label], markevery=marks, clip_on=False)
    return layout, [row for index, row in enumerate(rows) if any(index == other for _, other in curves)]


def _marks(x: npt.NDArray[np.float64], start: float) -> list[int]:
    """Indices of the points of rising x that have markers: evenly spread, ``start`` of the range from its beginning."""
    positions = np.arange(start, 1, MARKER_DISTANCE) * (x[-1] - x[0]) + x[0]
    return sorted({int(index) for index in np.searchsorted(x, positions) if index < len(x)})


def by_cell(table: Table, kind: str, x: str, y: str) -> dict[tuple[int, int], Curve]:
    """All recorded curves by (bits, index of the row in ``table.rows``), in columns where a method has one."""
    rows = table.rows
    curves = {
        (bits, index): curve
        for bits in table.columns
        for index, row in enumerate(rows)
        if (curve := recorded(row.cell(bits), kind, x, y)) is not None
    }
    columns = {bits for bits, index in curves if not rows[index].reference}
    return {(bits, index): curve for (bits, index), curve in curves.items() if bits in columns}
