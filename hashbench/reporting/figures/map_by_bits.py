"""The metric of a table by code length: lines, or a dot per row where there is one length."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from hashbench.reporting.figures.layout import FigureLayout, from_zero, repetitions
from hashbench.reporting.figures.style import SIZES, Style, name, wrap
from hashbench.reporting.leaderboard.table import Row, Table
from hashbench.reporting.metric_names import metric_name

LACKING = "no record has the metric"
TICK_DISTANCE = 0.06  # of labelled code lengths, in widths of the axis
LABEL_WIDTH = 2.1  # inches


def map_by_bits(table: Table, styles: Mapping[str, Style], titled: bool = True) -> Figure | None:
    """The table's metric of every row, with error bars over repetitions; None where :data:`LACKING`."""
    own, metric = table.methods, table.metric
    columns = [bits for bits in table.columns if any(row.cell(bits).mean(metric) is not None for row in own)]
    if not columns:
        return None
    rows = [row for row in table.rows if any(row.cell(bits).mean(metric) is not None for bits in columns)]
    spread = repetitions(len(row.cell(bits).ok) for row in own for bits in columns)
    note = f"Mean and standard deviation (bars) of {spread}." if spread else ""
    if len(columns) == 1:
        return _dots(table, columns[0], rows, styles, note, titled)
    layout = FigureLayout(1, 3.3, shared=True)
    (axis,) = layout.panels
    for row in reversed(rows):
        mean, deviation = _values(row, columns, metric)
        bars = None if row.reference or np.isnan(deviation).all() else deviation
        axis.errorbar(columns, mean, bars, capsize=2, elinewidth=1.0, **styles[row.label].line())
    from_zero([axis], [np.add(*_highest(row, columns, metric)) for row in rows])
    _bits_axis(axis, columns)
    axis.set_ylabel(metric_name(metric))
    entries = [(styles[row.label].handle(), name(row)) for row in rows]
    return layout.finish(table, f"{metric_name(metric)} by code length", note, entries, titled)


def _dots(table: Table, bits: int, rows: list[Row], styles: Mapping[str, Style], note: str, titled: bool) -> Figure:
    """One line per row with its label at the side; references as upright lines across."""
    own = [row for row in rows if not row.reference]
    labels = [wrap(name(row), LABEL_WIDTH, SIZES["small"]) for row in own]
    heights = [0.12 + 0.135 * (label.count("\n") + 1) for label in labels]
    layout = FigureLayout(1, 0.65 + sum(heights), shared=True)
    (axis,) = layout.panels
    positions = [sum(heights[:n]) + height / 2 for n, height in enumerate(heights)]
    for position, row in zip(positions, own, strict=True):
        mean, deviation = _values(row, [bits], table.metric)
        style = styles[row.label]
        bars = None if np.isnan(deviation).all() else deviation
        axis.errorbar(
            mean, [position], None, bars, capsize=2, elinewidth=1.0, **style.line(linestyle="none", markersize=5.5)
        )
    references = [row for row in rows if row.reference]
    for row in references:
        mean, _ = _values(row, [bits], table.metric)
        axis.axvline(mean[0], **styles[row.label].line(zorder=1.5))
    axis.set_ylim(sum(heights), 0)
    axis.set_yticks(positions, labels)
    axis.tick_params(axis="y", length=0)
    top = max(float(np.nansum(_highest(row, [bits], table.metric))) for row in rows)
    axis.set_xlim(0, min(1.0, 1.06 * top) if top > 0 else 1.0)
    axis.set_xlabel(metric_name(table.metric))
    entries = [(styles[row.label].handle(), name(row)) for row in references]
    return layout.finish(table, f"{metric_name(table.metric)} at {bits} bits", note, entries, titled)


def _values(row: Row, columns: list[int], metric: str) -> tuple[list[float], list[float]]:
    """Mean and standard deviation in each column, NaN where there is none."""
    cells = [row.cell(bits) for bits in columns]
    pairs = [(cell.mean(metric), cell.deviation(metric)) for cell in cells]
    mean, deviation = zip(*[[np.nan if value is None else value for value in pair] for pair in pairs], strict=True)
    return list(mean), list(deviation)


def _highest(row: Row, columns: list[int], metric: str) -> np.ndarray:
    mean, deviation = _values(row, columns, metric)
    return np.asarray([mean, np.nan_to_num(deviation)])


def _bits_axis(axis: Axes, columns: list[int]) -> None:
    """Code lengths on a logarithmic axis, labelled as far as there is room."""
    axis.set_xscale("log", base=2)
    logs = np.log2(columns)
    labelled = [columns[-1]]
    for bits, log in zip(columns[-2::-1], logs[-2::-1], strict=True):
        if np.log2(labelled[-1]) - log >= TICK_DISTANCE * (logs[-1] - logs[0]):
            labelled.append(bits)
    axis.xaxis.set_major_locator(FixedLocator(labelled))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(lambda bits, _: f"{bits:g}")
    axis.set_xlabel("bits")
