"""The style that all figures share: colours, dashes and markers of methods, fonts, and text that is only text."""

import textwrap
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES
from hashbench.reporting.leaderboard.table import Row, Table

# seaborn's "colorblind" without its grey, which is for references, and without two that are too light for lines
COLOURS = tuple(sns.color_palette("colorblind").as_hex()[index] for index in (0, 1, 2, 3, 4, 9, 5))
DASHES = ((), (4, 1.5), (1, 1.2), (6, 1.5, 1, 1.5), (3, 1.2, 1, 1.2, 1, 1.2), (9, 2))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")  # with the dashes 24 pairs that differ in black and white too
REFERENCE_GREYS = ("0.35", "0.6")
INK = "0.15"
FAINT = "0.4"
LONGEST_LABEL = 120

FONT = "DejaVu Sans"  # comes with matplotlib, so figures are the same on any machine
SIZES = {"title": 10.0, "axis": 8.5, "small": 8.0}
MATPLOTLIB_STYLE: Any = {
    "axes.edgecolor": "0.5",
    "axes.labelcolor": INK,
    "axes.labelsize": SIZES["axis"],
    "axes.linewidth": 0.8,
    "axes.titlecolor": INK,
    "axes.titlesize": SIZES["axis"],
    "figure.dpi": 200,
    "font.family": [FONT],
    "font.size": SIZES["small"],
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "legend.fontsize": SIZES["small"],
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # publishers refuse type 3
    "svg.fonttype": "none",
    "svg.hashsalt": "hashbench",
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a $
    "xtick.color": INK,
    "xtick.labelsize": SIZES["small"],
    "ytick.color": INK,
    "ytick.labelsize": SIZES["small"],
}


@dataclass(frozen=True)
class Style:
    """Colour, dashes and marker of a row in every figure."""

    colour: str
    dashes: tuple[float, ...]
    marker: str
    width: float = 1.4

    def line(self, **changes: Any) -> dict[str, Any]:
        """Keyword arguments of matplotlib's ``plot``; ``changes`` take precedence."""
        return {
            "color": self.colour,
            "linestyle": (0, self.dashes) if self.dashes else "-",
            "linewidth": self.width,
            "marker": self.marker,
            "markersize": 4.2,
            "markeredgecolor": "white",
            "markeredgewidth": 0.4,
            **changes,
        }

    def handle(self, **changes: Any) -> Line2D:
        """A sample for a legend."""
        return Line2D([], [], **self.line(**changes))


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in this style, whatever the user's matplotlibrc says; no warnings about missing glyphs."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update({**sns.axes_style("whitegrid"), **MATPLOTLIB_STYLE})
        yield


def row_styles(tables: Iterable[Table]) -> dict[str, Style]:
    """A style for each label of these tables.

    Given all tables of a result folder, a label has the same style in each of its figures, whichever rows they show.
    Methods with defaults come before their variants, so that one more variant changes no colour of the former.
    """
    rows = [row for table in tables for row in table.rows]
    own = {(bool(row.variant or row.preset), row.method, row.label): row.label for row in rows if not row.reference}
    styles = {
        label: Style(COLOURS[n % len(COLOURS)], DASHES[n % len(DASHES)], MARKERS[n % len(MARKERS)])
        for n, label in enumerate(dict.fromkeys(own[names] for names in sorted(own)))
    }
    references = {(row.method not in (FLOAT_FEATURES, RANDOM_CODES), row.label) for row in rows if row.reference}
    for n, (_, label) in enumerate(sorted(references)):  # the two that all tables have come first
        dashes = DASHES[1 + n % (len(DASHES) - 1)]
        styles[label] = Style(REFERENCE_GREYS[n % len(REFERENCE_GREYS)], dashes, "", 1.0)
    return styles


def name(row: Row) -> str:
    """The row's label as it can be shown: one line of printable signs, cut where it is very long.

    What the method sees stands behind it, where this is more than images and the heading does not say it of all.
    """
    sees = f" ({row.information})" if row.information not in ("images", "labels") else ""
    return printable(row.label, LONGEST_LABEL) + sees


def printable(text: str, longest: int) -> str:
    """One line of at most ``longest`` signs; control signs, which XML cannot hold, are shown as a question mark."""
    line = " ".join(text[: 4 * longest].split())
    shown = "".join(sign if sign.isprintable() else "?" for sign in line)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def wrap(text: str, inches: float, size: float) -> str:
    """``text`` in lines of at most that width at a font size in points."""
    signs = max(1, round(inches * 72 / (0.55 * size)))
    while True:
        lines = textwrap.wrap(text, signs, break_on_hyphens=False)
        if signs == 1 or all(text_width(line, size) <= inches for line in lines):
            return "\n".join(lines)
        signs -= 1


def text_width(line: str, size: float) -> float:
    """Width of a line in inches at a font size in points."""
    width, _, _ = text_to_path.get_text_width_height_descent(line, FontProperties(family=FONT, size=size), False)
    return float(width) / 72


def short_number(value: float, _position: object = None) -> str:
    """A number at an axis: −0.05, 100, 1k, 20k, 5M."""
    factor, sign = next(((f, s) for f, s in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if abs(value) >= f), (1, ""))
    return f"{value / factor:g}{sign}".replace("-", "−")
