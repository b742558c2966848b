"""The layout of a figure: a heading, panels in a grid, and a legend below them."""

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from hashbench.reporting.figures.style import FAINT, INK, SIZES, printable, text_width, wrap
from hashbench.reporting.leaderboard.table import Table

PAD = 0.12  # inches
LINE_HEIGHT = 1.35 / 72  # inches of a text line for each point of its size
HANDLE_WIDTH = 0.62  # inches of a legend's sample with the space around it
LONGEST_NOTE = 400
WIDTHS = {1: 4.8, 2: 6.6, 3: 7.6}  # inches, by the number of columns


class FigureLayout:
    """Panels of a figure, in reading order, with room for what :meth:`finish` adds.

    Args:
        panels: how many.
        height: of each, with its labels, in inches.
        shared: whether all have the same axes.
    """

    def __init__(self, panels: int, height: float, shared: bool) -> None:
        columns = {1: 1, 2: 2, 4: 2}.get(panels, 3)
        rows = ceil(panels / columns)
        self.width, self.height = WIDTHS[columns], rows * height
        self.engine = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.05)
        self.figure = Figure(figsize=(self.width, self.height), layout=self.engine)
        FigureCanvasAgg(self.figure)
        grid = self.figure.subplots(rows, columns, sharex=shared, sharey=shared, squeeze=False)
        self.panels: list[Axes] = list(grid.flat)[:panels]
        for unused in grid.flat[panels:]:
            unused.remove()
        for index, axis in enumerate(self.panels):
            axis.xaxis.set_tick_params(labelbottom=not shared or index + columns >= panels)
        self.first_column = self.panels[::columns]
        self.lowest = self.panels[-columns:]
        self.last_row = self.panels[(rows - 1) * columns :]

    def finish(
        self, table: Table, heading: str, note: str, entries: Sequence[tuple[Line2D, str]] = (), titled: bool = True
    ) -> Figure:
        """The figure with a heading, a note on what it shows and the legend's entries; it grows by their height.

        Without ``titled`` it has neither heading nor note, for a paper whose caption says it.
        """
        for axis in self.panels:
            sns.despine(ax=axis)
        lines = self._heading(table, heading, note) if titled else []
        above = PAD + sum(size * LINE_HEIGHT for _, size, _, _ in lines) + PAD / 2
        below = self._legend(entries) + PAD if entries else 0.0
        total = above + self.height + below
        self.figure.set_size_inches(self.width, total)
        top = total - PAD
        for text, size, weight, colour in lines:
            self.figure.text(PAD / self.width, top / total, text, size=size, weight=weight, color=colour, va="top")
            top -= size * LINE_HEIGHT
        self.engine.set(rect=(0.005, below / total, 0.99, self.height / total))
        return self.figure

    def _heading(self, table: Table, heading: str, note: str) -> list[tuple[str, float, str, str]]:
        """The lines above the panels: text, size, weight, colour."""
        table_name = printable(table.name, LONGEST_NOTE)
        texts = (
            (heading, SIZES["title"], "bold", INK),
            (table_name, SIZES["small"], "normal", INK),
            (printable(note, LONGEST_NOTE), SIZES["small"], "normal", FAINT),
        )
        room = self.width - 2 * PAD
        return [
            (line, size, weight, colour)
            for text, size, weight, colour in texts
            for line in wrap(text, room, size).splitlines()
        ]

    def _legend(self, entries: Sequence[tuple[Line2D, str]]) -> float:
        """Put the legend at the lower left and return its height in inches."""
        room = self.width - 2 * PAD
        size = SIZES["small"]
        labels = [wrap(label, room - HANDLE_WIDTH, size) for _, label in entries]
        columns = _columns([text_width(label, size) + HANDLE_WIDTH for _, label in entries], room)
        legend = self.figure.legend(
            [handle for handle, _ in entries],
            [" "] * len(labels),  # the label comes after: one that begins with _ would be left out
            loc="lower left",
            bbox_to_anchor=(PAD, PAD / 2),
            bbox_transform=self.figure.dpi_scale_trans,
            ncols=columns,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=3.2,
            labelspacing=0.35,
            columnspacing=1.6,
        )
        for text, label in zip(legend.get_texts(), labels, strict=True):
            text.set_text(label)
        box = legend.get_window_extent()
        return float(box.height / self.figure.dpi)


def _columns(widths: Sequence[float], room: float) -> int:
    """As many columns as fit beside each other, filled evenly from above as matplotlib does; at least one."""
    for columns in range(len(widths), 1, -1):
        if sum(max(column) for column in np.array_split(widths, columns)) <= room:
            return ceil(len(widths) / ceil(len(widths) / columns))
    return 1


def repetitions(counts: Iterable[int]) -> str:
    """How many repetitions figures are means of: "3 repetitions", "1-3 repetitions"; empty where all have one."""
    several = sorted(set(counts) - {0})
    if not several or several[-1] == 1:
        return ""
    return f"{'-'.join(str(n) for n in dict.fromkeys((several[0], several[-1])))} repetitions"


def from_zero(axes: Iterable[Axes], values: Iterable[np.ndarray]) -> None:
    """Let the upright axes run from 0 to a little above the highest value, no further than 1."""
    top = max((float(np.nanmax(each)) for each in values if np.isfinite(each).any()), default=1.0)
    for axis in axes:
        axis.set_ylim(0, min(1.0, 1.06 * top) if top > 0 else 1.0)
