"""A canvas: pictures and words laid out in pixels, written as PNG."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from hashbench.gallery.thumbnails import Bitmap
from hashbench.util.files import replacing

DPI = 100
MARGIN = 20
FONT = "DejaVu Sans"  # comes with matplotlib and has the signs
LINE_SPACING = 1.4  # lines' distance over the size of their font
FRAME_WIDTH = 4  # width of a picture's frame
BLACK, GREY = "#222222", "#666666"


class Canvas:
    """White, ``width`` pixels wide, as high as what was put on it; coordinates are pixels from the top left.

    Attributes:
        bottom: where the next paragraph begins.
    """

    def __init__(self, width: int) -> None:
        self.width, self.bottom = width, MARGIN
        self.figure = Figure(dpi=DPI, facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.axis("off")

    def picture(self, left: int, top: int, bitmap: Bitmap, colour: str) -> None:
        """A picture, pixel for pixel, in a frame around it."""
        height, width = bitmap.shape[:2]
        extent = (left, left + width, top + height, top)
        self.axes.imshow(bitmap, extent=extent, interpolation="nearest", aspect="auto")
        edge = FRAME_WIDTH / 2
        corner, sides = (left - edge, top - edge), (width + FRAME_WIDTH, height + FRAME_WIDTH)
        frame = Rectangle(
            corner, *sides, fill=False, edgecolor=colour, linewidth=FRAME_WIDTH * 72 / DPI, joinstyle="miter"
        )
        self.axes.add_patch(frame)

    def words(
        self,
        left: float,
        top: float,
        text: str,
        font: FontProperties,
        colour: str = BLACK,
        align: Literal["left", "center", "right"] = "left",
    ) -> None:
        """One line; ``left`` is its left end, its centre or its right end."""
        self.axes.text(
            left, top, text, color=colour, fontproperties=font, ha=align, va="top", clip_on=False, parse_math=False
        )

    def paragraph(self, text: str, font: FontProperties, colour: str = BLACK) -> None:
        """Lines over the whole width, below everything else."""
        for line in wrapped(text, self.width - 2 * MARGIN, font):
            self.words(MARGIN, self.bottom, line, font, colour)
            self.bottom += line_height(font)

    def save(self, path: Path) -> None:
        """Write it; the same bytes for the same content."""
        height = self.bottom + MARGIN
        self.axes.set(xlim=(0, self.width), ylim=(height, 0))
        self.figure.set_size_inches(self.width / DPI, height / DPI)
        with replacing(path) as work, _missing_signs_as_boxes():
            self.figure.savefig(work, format="png", dpi=DPI, metadata={"Software": None})


def font(size: float, bold: bool = False) -> FontProperties:
    """The font of all words, ``size`` in points."""
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")


def line_height(font: FontProperties) -> int:
    """Pixels from one line to the next."""
    return round(font.get_size_in_points() * LINE_SPACING * DPI / 72)


def wrapped(text: str, width: float, font: FontProperties) -> list[str]:
    """The text in lines of at most ``width`` pixels, broken between words; words that are too long are cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer, font) <= width:
            lines[-1] = longer
        else:
            lines.append(cut(word, width, font))
    return lines


def cut(text: str, width: float, font: FontProperties) -> str:
    """The text, or its beginning and "…" where it is wider than ``width`` pixels."""
    if _width(text, font) <= width:
        return text
    while text and _width(f"{text}…", font) > width:
        text = text[:-1]
    return f"{text}…"


def _width(text: str, font: FontProperties) -> float:
    with _missing_signs_as_boxes():
        return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) * DPI / 72


@contextmanager
def _missing_signs_as_boxes() -> Iterator[None]:
    """Inside, matplotlib draws a box for a sign that the font lacks, Chinese say, and prints no warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
