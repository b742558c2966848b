"""Figures of the training: losses, schedules and statistics of the bits of each epoch."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from hashbench.records.store import Record
from hashbench.reporting.figures.curves import Curve, draw_line, over_repetitions
from hashbench.reporting.figures.layout import FigureLayout, repetitions
from hashbench.reporting.figures.style import DASHES, FAINT, Style, name, printable, short_number
from hashbench.reporting.leaderboard.table import Cell, Row, Table

LACKING = "no method recorded epochs"
LOG_RATIO = 50  # a value whose largest is that many times its smallest, all above 0, has a logarithmic axis
MAX_LINES_WITH_BANDS = 8  # lines of a panel, above which none has a band
LONGEST_TITLE = 34


@dataclass(frozen=True)
class History:
    """The epochs of one cell."""

    row: Row
    bits: int
    curves: Mapping[str, Curve]


def training(table: Table, styles: Mapping[str, Style], titled: bool = True) -> Figure | None:
    """A panel per value; colour and marker show the row, dashes the code length. None where :data:`LACKING`."""
    histories = _histories(table)
    values = list(dict.fromkeys(value for history in histories for value in history.curves))
    if not values:
        return None
    columns = sorted({history.bits for history in histories})
    dashes = {bits: DASHES[index % len(DASHES)] for index, bits in enumerate(reversed(columns))}
    layout = FigureLayout(len(values), 1.75 if len(values) > 2 else 2.8, shared=False)
    for axis, value in zip(layout.panels, values, strict=True):
        _draw(axis, value, [history for history in histories if value in history.curves], styles, dashes)
    for axis in layout.last_row:
        axis.set_xlabel("epoch")
    rows = list({id(history.row): history.row for history in histories}.values())
    entries = [(styles[row.label].handle(linestyle="-"), name(row)) for row in rows]
    if len(columns) > 1:
        entries += [(_sample(dashes[bits]), f"{bits} bits") for bits in columns]
    drawn = Counter(value for history in histories for value in history.curves)
    bands = {count <= MAX_LINES_WITH_BANDS for count in drawn.values()}
    return layout.finish(table, "Training curves", _note(table, rows, columns, bands), entries, titled)


def _histories(table: Table) -> list[History]:
    histories = []
    for row in table.methods:
        for bits, cell in row.by_bits():
            curves = epoch_curves(cell)
            if bits is not None and curves:
                histories.append(History(row, bits, curves))
    return histories


def epoch_curves(cell: Cell) -> dict[str, Curve]:
    """A cell's values by epoch, in the order they were recorded; a repetition that lacks an epoch leaves a gap."""
    logs = [log for record in cell.ok if (log := _numbered((record["training"] or {}).get("epochs", ())))]
    names = list(dict.fromkeys(key for log in logs for entry in log for key in entry if key != "epoch"))
    numbers = sorted({entry["epoch"] for log in logs for entry in log})
    curves = {}
    for key in names:
        by_epoch = [{entry["epoch"]: entry.get(key) for entry in log} for log in logs]
        curves[key] = over_repetitions([numbers] * len(logs), [[e.get(n) for n in numbers] for e in by_epoch])
    return curves


def _numbered(epochs: Iterable[Record]) -> list[Record]:
    """The epochs that have their number."""
    return [entry for entry in epochs if entry.get("epoch") is not None]


def _draw(
    axis: Axes,
    value: str,
    histories: list[History],
    styles: Mapping[str, Style],
    dashes: Mapping[int, tuple[float, ...]],
) -> None:
    for history in reversed(histories):
        curve, style = history.curves[value], styles[history.row.label]
        if len(histories) > MAX_LINES_WITH_BANDS:
            curve = Curve(curve.x, curve.y, None)
        pattern = dashes[history.bits]
        marked = {"markevery": max(1, len(curve.x) // 6), "markersize": 3.4}
        draw_line(axis, curve, style, linestyle=(0, pattern) if pattern else "-", linewidth=1.1, **marked)
    axis.set_title(printable(value, LONGEST_TITLE))
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    shown = np.concatenate([history.curves[value].y for history in histories])
    shown = shown[np.isfinite(shown)]
    if len(shown) and shown.min() > 0 and shown.max() > LOG_RATIO * shown.min():
        axis.set_yscale("log")
        axis.yaxis.set_minor_locator(NullLocator())
    else:
        axis.yaxis.set_major_locator(MaxNLocator(4))
    axis.yaxis.set_major_formatter(short_number)


def _sample(pattern: tuple[float, ...]) -> Line2D:
    return Line2D([], [], color=FAINT, linestyle=(0, pattern) if pattern else "-", linewidth=1.1)


def _note(table: Table, rows: list[Row], columns: list[int], bands: set[bool]) -> str:
    spread = repetitions(len(row.cell(bits).ok) for row in rows for bits in columns)
    left_out = [row for row in table.methods if not any(row is other for other in rows)]
    shown = "Mean and standard deviation (band)" if True in bands else "Mean"
    few = f", the band in panels of up to {MAX_LINES_WITH_BANDS} lines" if bands == {True, False} else ""
    sentences = [
        f"{shown} of {spread}{few}." if spread else "",
        f"Without epochs: {', '.join(name(row) for row in left_out)}." if left_out else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)
