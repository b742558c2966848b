"""The figure: recall against bytes with a line for each method, and recall against m of the chosen codes."""

from collections.abc import Iterable, Sequence
from math import log2

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from hashbench.advice.result import Advice, CodeResult, Ranking
from hashbench.advice.tables import RANKINGS
from hashbench.advice.words import percent
from hashbench.reporting.figures.style import (
    COLOURS,
    FAINT,
    INK,
    LONGEST_LABEL,
    MARKERS,
    SIZES,
    Style,
    figure_style,
    printable,
    short_number,
    wrap,
)

SHADES = (*COLOURS, "0.5")  # there is no reference here, so one method has its grey
SIZE = (7.6, 4.6)  # inches
USUAL_MULTIPLE = 10
DASHES: dict[Ranking, tuple[float, ...]] = {"hamming": (), "asymmetric": (3, 1.5), "estimator": ()}
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def draw(advice: Advice) -> Figure:
    """The figure, with its heading."""
    with figure_style():
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        by_bytes, by_m = figure.subplots(1, 2, sharey=True)
        styles = _styles(advice)
        _by_bytes(by_bytes, advice, styles)
        _by_multiple(by_m, advice, styles)
        for axis in (by_bytes, by_m):
            axis.axhline(advice.share, color=FAINT, linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=0)
            axis.set_ylim(0, 1.02)
            sns.despine(ax=axis)
        side, place = ("bottom", 0.005) if advice.share < 0.97 else ("top", -0.005)  # there is an end above
        at = (0.01, advice.share + place)
        by_bytes.annotate(percent(advice.share), at, xycoords=("axes fraction", "data"), color=FAINT, va=side)
        by_bytes.set_ylabel(f"share of the {advice.k} nearest that are candidates")
        heading = printable(f"Codes of {advice.source}", LONGEST_LABEL)
        figure.suptitle(wrap(heading, SIZE[0] - 0.4, SIZES["title"]), size=SIZES["title"], weight="bold", color=INK)
        return figure


def _styles(advice: Advice) -> dict[tuple[str, Ranking], Style]:
    names = list(dict.fromkeys(code.name for code in advice.codes))
    return {
        (name, ranking): Style(SHADES[n % len(SHADES)], dashes, MARKERS[(n + n // len(SHADES)) % len(MARKERS)])
        for n, name in enumerate(names)
        for ranking, dashes in DASHES.items()
    }


def _by_bytes(axis: Axes, advice: Advice, styles: dict[tuple[str, Ranking], Style]) -> None:
    m = min(advice.candidates or USUAL_MULTIPLE, advice.most)
    sizes = sorted({code.bytes_per_vector for code in advice.codes})
    for (name, ranking), style in styles.items():
        line = [code for code in advice.codes if (code.name, code.ranking) == (name, ranking)]
        line.sort(key=lambda code: code.bytes_per_vector)
        shown = style.line(fillstyle="none" if ranking == "asymmetric" else "full")
        shown |= {"markeredgecolor": style.colour, "markeredgewidth": 0.9}
        axis.plot([code.bytes_per_vector for code in line], [code.recall[m - 1] for code in line], **shown)
    axis.set_xscale("log", base=2)
    axis.set_xlim(sizes[0] / 1.25, sizes[-1] * 1.25)
    axis.xaxis.set_major_locator(FixedLocator(_apart(sizes)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(short_number)
    axis.set_xlabel("bytes of a vector")
    axis.set_title(f"m = {m}, {advice.sample:,} vectors", loc="left")
    solid = dict.fromkeys((code.name, code.ranking) for code in advice.codes if code.ranking != "asymmetric")
    handles = [(styles[line].handle(), line[0]) for line in solid]
    sample = Style("0.3", DASHES["asymmetric"], "o")
    handles += [
        (
            sample.handle(fillstyle="none", markeredgecolor="0.3", markeredgewidth=0.9),
            f"dashed: {RANKINGS['asymmetric']}",
        )
    ]
    _legend(axis, handles)


def _apart(sizes: Iterable[int]) -> list[int]:
    """Those that have room for their numbers beside each other."""
    shown: list[int] = []
    for size in sizes:
        if not shown or log2(size / shown[-1]) >= 0.45:
            shown.append(size)
    return shown


def _by_multiple(axis: Axes, advice: Advice, styles: dict[tuple[str, Ranking], Style]) -> None:
    m = np.arange(1, advice.most + 1)
    handles = []
    for code in _chosen(advice):
        style = styles[code.name, code.ranking]
        axis.plot(m, code.recall, **style.line(marker="" if advice.most > 1 else style.marker))
        start = (1, code.recall[0])
        axis.annotate(
            f"{code.bits:,}",
            start,
            (-3, 0),
            textcoords="offset points",
            color=style.colour,
            size=6,
            ha="right",
            va="center",
        )
        if code.confirmed is not None and code.confirmed_m is not None:
            found = code.confirmed
            error = [[found.value - found.low], [found.high - found.value]]
            axis.errorbar(
                [code.confirmed_m],
                [found.value],
                error,
                color=style.colour,
                marker=style.marker,
                markersize=4.2,
                clip_on=False,
            )
        handles.append((style.handle(), f"{code.name}, {code.bits:,} bits"))
    if advice.most > 1:
        axis.set_xscale("log")
        axis.set_xlim(advice.most**-0.07, advice.most)  # with room for the bits
    axis.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if tick <= advice.most]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(short_number)
    axis.set_xlabel(f"m, for m times {advice.k} candidates")
    axis.set_title("chosen codes by bits, with what was confirmed", loc="left")
    _legend(axis, handles, 1)


def _chosen(advice: Advice) -> list[CodeResult]:
    """The codes of the verdict and what a vector database does where nothing is set."""
    chosen = [advice.codes[place] for place in advice.pairs]
    return chosen if advice.usual is None or advice.usual in chosen else [*chosen, advice.usual]


def _legend(axis: Axes, handles: Sequence[tuple[Line2D, str]], columns: int = 2) -> None:
    axis.legend(
        [handle for handle, _ in handles],
        [label for _, label in handles],
        loc="upper left",
        bbox_to_anchor=(0, -0.17),
        ncols=columns,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=2.6,
        labelspacing=0.35,
        columnspacing=1.2,
    )
