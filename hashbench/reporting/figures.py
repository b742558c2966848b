"""Figures: precision-recall curves by Hamming radius, in one look for all."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from hashbench.files import replacing
from hashbench.reporting.caption import title
from hashbench.reporting.table import Cell, Row, Table

DASHES = ("", (4, 1.5), (1, 1), (3, 1, 1, 1), (5, 1, 1, 1, 1, 1))
LOOK: Any = {"svg.hashsalt": "hashbench", "svg.fonttype": "none", "font.size": 9.0}


def write_figures(tables: Iterable[Table], folder: Path) -> list[Path]:
    """A precision-recall figure per table, as PNG and SVG, the same bytes for the same records."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table in tables:
        with mpl.rc_context(LOOK), sns.axes_style("whitegrid"):
            figure = precision_recall(table)
            for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
                path = folder / f"{_stem(table)}.{ending}"
                with replacing(path) as work:
                    figure.savefig(work, format=ending, dpi=150, metadata=metadata)
                written.append(path)
    return written


def precision_recall(table: Table) -> Figure:
    """One panel per code length: mean precision against mean recall over all radii, a line per method."""
    rows = [*table.ranked, *table.unranked, *(row for row in table.references if None not in row.cells)]
    colours = dict(zip([id(row) for row in rows], sns.color_palette("colorblind", len(rows)), strict=True))
    figure = Figure(figsize=(max(4.2, 3.4 * len(table.columns)), 3.9), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(table.columns), sharex=True, sharey=True))
    for axis, bits in zip(axes, table.columns, strict=True):
        for number, row in enumerate(rows):
            curve = _curve(row.cell(bits))
            if curve is not None:
                _line(axis, curve, colours[id(row)], row, number)
        axis.set(title=f"{bits} bits", xlabel="recall", xlim=(0, 1), ylim=(0, 1))
        sns.despine(ax=axis)
    axes[0].set_ylabel("precision")
    entries = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    labels = [row.label for row in rows if row.label in entries]
    figure.legend(
        [entries[label] for label in labels],
        labels,
        loc="outside lower center",
        ncols=min(4, max(1, len(labels))),
        frameon=False,
    )
    figure.suptitle(title(table).replace("mAP@1000 on", "Precision and recall within a Hamming radius,"), fontsize=10)
    return figure


def _line(axis: Any, curve: pd.DataFrame, colour: Any, row: Row, number: int) -> None:
    axis.plot(
        curve["recall"],
        curve["precision"],
        label=row.label,
        color="0.45" if row.reference else colour,
        dashes=DASHES[number % len(DASHES)] or (None, None),
        linewidth=1.0 if row.reference else 1.6,
    )


def _curve(cell: Cell) -> pd.DataFrame | None:
    """Mean over the repetitions, radius by radius; an empty ball counts as precision 0."""
    curves = [curve for record in cell.ok if (curve := record["curves"]["radius"]) is not None]
    if not curves:
        return None
    return pd.DataFrame({name: np.mean([curve[name] for curve in curves], axis=0) for name in curves[0]})


def _stem(table: Table) -> str:
    ground = table.ground
    parts = ["precision-recall", ground.protocol, ground.features, *([f"first{ground.limit}"] if ground.limit else [])]
    parts += [hashlib.sha256(repr(ground).encode()).hexdigest()[:6], *(["supervised"] if ground.supervised else [])]
    return "-".join(re.sub(r"[^A-Za-z0-9._]+", "_", part) for part in parts)
