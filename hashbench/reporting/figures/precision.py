"""Precision against recall over all Hamming radii, and precision among the first k items for every recorded k."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from hashbench.reporting.figures.curves import Curve, by_cell, curve_panels
from hashbench.reporting.figures.layout import from_zero, repetitions
from hashbench.reporting.figures.style import Style, name, short_number
from hashbench.reporting.leaderboard.table import Table

NO_RADIUS = "no record has a curve by Hamming radius"
NO_RANK = "no record has a curve by rank"
NO_NEIGHBOURS = "no record has a curve of the neighbours"


def precision_recall(table: Table, styles: Mapping[str, Style], titled: bool = True) -> Figure | None:
    """One panel per code length, a line per row; None where :data:`NO_RADIUS`."""
    return _figure(
        table,
        styles,
        by_cell(table, "radius", "recall", "precision"),
        np.asarray,
        lambda axis, _: axis.set_xlim(0, 1),
        labels=("recall", "precision"),
        title="Precision and recall within a Hamming radius",
        note=f"Means over queries{_relevant(table)}; an empty ball counts as precision 0.",
        titled=titled,
    )


def precision_at_k(table: Table, styles: Mapping[str, Style], titled: bool = True) -> Figure | None:
    """One panel per code length, a line per row, k on a logarithmic axis; None where :data:`NO_RANK`."""
    return _figure(
        table,
        styles,
        by_cell(table, "rank", "k", "precision"),
        np.log,
        _logarithmic_ranks,
        labels=("k, number of items retrieved", "precision@k"),
        title="Precision among the first k items",
        note=f"Means over queries{_relevant(table)}, ties by exact expectation.",
        titled=titled,
    )


def recall_by_m(table: Table, styles: Mapping[str, Style], titled: bool = True) -> Figure | None:
    """One panel per code length, a line per row, m on a logarithmic axis; None where :data:`NO_NEIGHBOURS`."""
    return _figure(
        table,
        styles,
        by_cell(table, "neighbours", "m", "recall"),
        np.log,
        _logarithmic_ranks,
        labels=("m, candidates for each of the 10 nearest", "share of the 10 nearest"),
        title="The 10 nearest by the float vectors inside the first 10 m of the code",
        note="Means over queries, ties by exact expectation.",
        titled=titled,
    )


def _relevant(table: Table) -> str:
    """What is relevant, where this is not what the table's headline goes by."""
    return ", relevant by labels" if table.by_neighbours else ""


def _figure(
    table: Table,
    styles: Mapping[str, Style],
    curves: Mapping[tuple[int, int], Curve],
    scale: Callable[[Any], Any],
    set_x_axis: Callable[[Axes, Mapping[tuple[int, int], Curve]], object],
    *,
    labels: tuple[str, str],
    title: str,
    note: str,
    titled: bool,
) -> Figure | None:
    if not curves:
        return None
    layout, rows = curve_panels(table, styles, curves, scale)
    from_zero(layout.panels, [curve.y for curve in curves.values()])
    for axis in layout.panels:
        set_x_axis(axis, curves)
    for axis in layout.lowest:
        axis.set_xlabel(labels[0])
    for axis in layout.first_column:
        axis.set_ylabel(labels[1])
    spread = repetitions(len(row.cell(bits).ok) for row in table.rows for bits in table.columns)
    note += f" Mean and standard deviation (band) of {spread}." if spread else ""
    entries = [(styles[row.label].handle(), name(row)) for row in rows]
    return layout.finish(table, title, note, entries, titled)


def _logarithmic_ranks(axis: Axes, curves: Mapping[tuple[int, int], Curve]) -> None:
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(10, numticks=12))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(short_number)
    axis.set_xlim(1, max(2.0, *(float(curve.x[-1]) for curve in curves.values())))
