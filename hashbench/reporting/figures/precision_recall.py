"""Mean precision against mean recall over all Hamming radii."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hashbench.reporting.figures.curves import all_rows, by_cell, curve_panels
from hashbench.reporting.figures.layout import from_zero, repetitions
from hashbench.reporting.figures.style import Style, name
from hashbench.reporting.leaderboard.table import Table

LACKING = "no record has a curve by Hamming radius"


def precision_recall(table: Table, styles: Mapping[str, Style]) -> Figure | None:
    """One panel per code length, a line per row; None where :data:`LACKING`."""
    curves = by_cell(table, "radius", "recall", "precision")
    if not curves:
        return None
    layout, rows = curve_panels(table, styles, curves, np.asarray)
    from_zero(layout.panels, [curve.y for curve in curves.values()])
    for axis in layout.panels:
        axis.set_xlim(0, 1)
    for axis in layout.lowest:
        axis.set_xlabel("recall")
    for axis in layout.first_column:
        axis.set_ylabel("precision")
    spread = repetitions(len(row.cell(bits).ok) for row in all_rows(table) for bits in table.columns)
    note = "Means over queries; an empty ball counts as precision 0."
    note += f" Mean and standard deviation (band) of {spread}." if spread else ""
    entries = [(styles[row.label].handle(), name(row)) for row in rows]
    return layout.finish(table, "Precision and recall within a Hamming radius", note, entries)
