"""A table on a terminal: whole columns are left out where it is too narrow, and no number is cut."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

from hashbench.util.output import encodable

MIN_TEXT = len("reference-random")  # width to which a column of text is folded


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        heading: above it.
        text: words, aligned at the left, that may be folded into several lines; else numbers.
        leave_out: the one with the highest goes first where there is no room, of equal ones the last; None never goes.
    """

    heading: str
    text: bool = False
    leave_out: int | None = None


@dataclass(frozen=True)
class Line:
    """A line; ``ends`` where a rule follows."""

    cells: Sequence[Text]
    ends: bool = False


def print_table(console: Console, title: str, columns: Sequence[Column], lines: Iterable[Line]) -> list[str]:
    """Print a table as wide as it is, on a terminal as wide as that.

    Args:
        console: where to; the table is whole where that is no terminal.
        title: above it.
        columns: from left to right.
        lines: a cell for each column.

    Returns:
        The headings of the columns that were left out.
    """
    lines = [Line([_printable(cell, console) for cell in line.cells], line.ends) for line in lines]
    widths = [
        max(cell_len(column.heading), *(cell_len(line.cells[index].plain) for line in lines), 0)
        for index, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    room = console.width if console.is_terminal else None
    while room is not None and _total(_narrowest(columns, widths, shown)) > room:
        optional = [(columns[index].leave_out, index) for index in shown if columns[index].leave_out is not None]
        if not optional:
            break
        shown.remove(max(optional)[1])
    fitted = _fitted(columns, widths, shown, room)
    rich = RichTable(
        title=encodable(title, console.encoding),
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        width=_total(fitted),
    )
    for index, width in zip(shown, fitted, strict=True):
        text = columns[index].text
        side: JustifyMethod = "left" if text else "right"
        rich.add_column(columns[index].heading, justify=side, no_wrap=not text, overflow="fold", width=width)
    for line in lines:
        rich.add_row(*(line.cells[index] for index in shown), end_section=line.ends)
    console.print(rich, crop=False)
    return [column.heading for index, column in enumerate(columns) if index not in shown]


def too_narrow(console: Console, left_out: Iterable[str]) -> list[str]:
    """A sentence on columns that were left out, or nothing."""
    names = ", ".join(left_out)
    return (
        [f"The terminal is too narrow, {console.width} columns, for {names}; a wider one, a file or a pipe has all."]
        if names
        else []
    )


def _total(widths: Sequence[int]) -> int:
    """The width of a table: each column has a space after it and one between it and the next, two at the edges."""
    return sum(widths) + 2 * len(widths) + 1


def _narrowest(columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int]) -> list[int]:
    return [min(widths[index], MIN_TEXT) if columns[index].text else widths[index] for index in shown]


def _fitted(columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int], room: int | None) -> list[int]:
    """Widths with which the table fits: of the columns of text the widest gives way first, to no less than it can."""
    fitted, least = [widths[index] for index in shown], _narrowest(columns, widths, shown)
    while room is not None and _total(fitted) > room and fitted != least:
        widest = max(range(len(fitted)), key=lambda place: fitted[place] - least[place])
        fitted[widest] -= 1
    return fitted


def _printable(cell: Text, console: Console) -> Text:
    plain = encodable(cell.plain, console.encoding)
    return cell if plain == cell.plain else Text(plain, style=cell.style)
