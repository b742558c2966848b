"""Precision among the first k items, for every recorded k."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from hashbench.reporting.figures.curves import all_rows, by_cell, curve_panels
from hashbench.reporting.figures.layout import from_zero, repetitions
from hashbench.reporting.figures.style import Style, name, short_number
from hashbench.reporting.leaderboard.table import Table

LACKING = "no record has a curve by rank"


def precision_at_k(table: Table, styles: Mapping[str, Style]) -> Figure | None:
    """One panel per code length, a line per row, k on a logarithmic axis; None where :data:`LACKING`."""
    curves = by_cell(table, "rank", "k", "precision")
    if not curves:
        return None
    layout, rows = curve_panels(table, styles, curves, np.log)
    from_zero(layout.panels, [curve.y for curve in curves.values()])
    for axis in layout.panels:
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(10, numticks=12))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(short_number)
        axis.set_xlim(1, max(2.0, *(float(curve.x[-1]) for curve in curves.values())))
    for axis in layout.lowest:
        axis.set_xlabel("k, number of items retrieved")
    for axis in layout.first_column:
        axis.set_ylabel("precision@k")
    spread = repetitions(len(row.cell(bits).ok) for row in all_rows(table) for bits in table.columns)
    note = "Means over queries, ties by exact expectation."
    note += f" Mean and standard deviation (band) of {spread}." if spread else ""
    entries = [(styles[row.label].handle(), name(row)) for row in rows]
    return layout.finish(table, "Precision among the first k items", note, entries)
