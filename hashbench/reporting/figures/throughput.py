"""Accuracy against the rates of encoding and search on one machine, with the Pareto front."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from hashbench.reporting.figures.layout import FigureLayout, repetitions
from hashbench.reporting.figures.style import FAINT, INK, Style, name, short_number
from hashbench.reporting.leaderboard.table import SEARCH_K, Cell, Row, Table
from hashbench.reporting.metric_names import metric_name
from hashbench.reporting.plain_text import machine_text

LACKING = "no record has rates of encoding or search"
MARKER_SIZES = (4.0, 8.0)  # points, shortest and longest code


@dataclass(frozen=True)
class Point:
    """A cell: queries or images per second, and the table's metric."""

    row: Row
    bits: int
    rate: float
    accuracy: float


def throughput(table: Table, styles: Mapping[str, Style], titled: bool = True) -> Figure | None:
    """A panel for each rate; a row's code lengths are joined, short ones small. None where :data:`LACKING`."""
    panels = {label: own for label, rate in _rates(table).items() if (own := _points(table, rate))}
    if not panels:
        return None
    points = [point for own in panels.values() for point in own]
    columns = sorted({point.bits for point in points})
    sizes = dict(zip(columns, np.linspace(*MARKER_SIZES, len(columns)) if columns[1:] else [6.0], strict=True))
    layout = FigureLayout(len(panels), 3.2, shared=False)
    for axis, (label, own) in zip(layout.panels, panels.items(), strict=True):
        _axes(axis, [point.rate for point in own], [point.accuracy for point in points])
        _draw(axis, own, styles, sizes)
        axis.set_xlabel(label)
    layout.panels[0].set_ylabel(metric_name(table.metric))
    rows = [row for row in table.rows if any(point.row is row for point in points)]
    entries = [(styles[row.label].handle(markersize=6), name(row)) for row in rows]
    if len(columns) > 1:
        entries += [(_sample(size), f"{bits} bits") for bits, size in sizes.items()]
    entries.append((Line2D([], [], color=INK, linewidth=0.9), "Pareto front (filled markers)"))
    return layout.finish(table, "Accuracy against throughput", _note(table, rows, columns), entries, titled)


def _rates(table: Table) -> Mapping[str, Callable[[Cell], float | None]]:
    """What is measured of a cell, by the name of its axis."""
    return {
        f"encode, {'vectors' if table.has_vectors else 'images'} per second": Cell.encode_rate,
        f"search, queries per second (k = {SEARCH_K})": Cell.search_rate,
    }


def pareto(points: list[Point]) -> list[Point]:
    """The points that none equals or beats in both rate and accuracy, by rising rate; of equal ones the first."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (-p.rate, -p.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return front[::-1]


def _points(table: Table, rate: Callable[[Cell], float | None]) -> list[Point]:
    points = []
    for row in table.methods:
        for bits, cell in row.by_bits():
            speed, accuracy = rate(cell), cell.mean(table.metric)
            if bits is not None and speed and accuracy is not None:
                points.append(Point(row, bits, speed, accuracy))
    return points


def _draw(axis: Axes, points: list[Point], styles: Mapping[str, Style], sizes: Mapping[int, float]) -> None:
    front = pareto(points)
    rates = [axis.get_xlim()[0], *(point.rate for point in front), front[-1].rate]
    accuracies = [front[0].accuracy, *(point.accuracy for point in front), axis.get_ylim()[0]]
    axis.plot(rates, accuracies, drawstyle="steps-pre", color=INK, linewidth=0.9, zorder=1.5)
    for row in {id(point.row): point.row for point in points}.values():
        style, own = styles[row.label], [point for point in points if point.row is row]
        line = style.line(marker="", linewidth=0.8, alpha=0.6)
        axis.plot([point.rate for point in own], [point.accuracy for point in own], **line)
        for point in own:
            hollow = {"markerfacecolor": "white", "markeredgecolor": style.colour, "markeredgewidth": 1.0}
            marker = style.line(linestyle="none", markersize=sizes[point.bits], **({} if point in front else hollow))
            axis.plot([point.rate], [point.accuracy], **marker)


def _axes(axis: Axes, rates: list[float], accuracies: list[float]) -> None:
    """A logarithmic axis of rates over a factor of two at least, a linear one of accuracies, both with some room."""
    low, high = min(rates), max(rates)
    room = max(1.15, (2 * low / high) ** 0.5)
    axis.set_xscale("log")
    axis.set_xlim(low / room, high * room)
    decades = LogLocator(10, subs=(1.0,) if high / low > 100 else (1.0, 3.0), numticks=12)
    axis.xaxis.set_major_locator(decades if high / low > 8 else MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(short_number)
    margin = 0.08 * (max(accuracies) - min(accuracies)) or 0.05
    axis.set_ylim(min(accuracies) - margin, max(accuracies) + margin)


def _sample(size: float) -> Line2D:
    return Line2D([], [], linestyle="none", marker="o", markersize=size, color=FAINT, markeredgecolor="white")


def _note(table: Table, rows: list[Row], columns: list[int]) -> str:
    hardware = table.hardware
    assert hardware is not None
    spread = repetitions(len(row.cell(bits).ok) for row in rows for bits in columns)
    without = ", ".join(name(row) for row in table.methods if not any(row is other for other in rows))
    sentences = [
        f"On {machine_text(hardware, brief=True)} (hardware {hardware['id']}).",
        f"Mean of {spread}." if spread else "",
        f"Without rates here: {without}." if without else "",
        "Cells measured on other machines only are left out." if table.other_hardware else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)
