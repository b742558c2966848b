"""A table on a terminal: where it is too wide the rest of its columns follows in a second block, and none is cut."""

from collections.abc import Iterable, Iterator, Sequence
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
        key: names the line, and stands in every block.
        later: where there is no room, the one with the highest goes to the next block first, of equal ones the last.
    """

    heading: str
    text: bool = False
    key: bool = False
    later: int = 0


@dataclass(frozen=True)
class Line:
    """A line; ``ends`` where a rule follows."""

    cells: Sequence[Text]
    ends: bool = False


def print_table(console: Console, title: str, columns: Sequence[Column], lines: Iterable[Line]) -> None:
    """Print a table as wide as it is, on a terminal as wide as that: in blocks one below the other, as few as hold it.

    Args:
        console: where to; the table is one block where that is no terminal.
        title: above it.
        columns: from left to right.
        lines: a cell for each column.
    """
    lines = [Line([_printable(cell, console) for cell in line.cells], line.ends) for line in lines]
    widths = [
        max(cell_len(column.heading), *(cell_len(line.cells[index].plain) for line in lines), 0)
        for index, column in enumerate(columns)
    ]
    room = console.width if console.is_terminal else None
    for number, shown in enumerate(_blocks(columns, widths, room)):
        fitted = _fitted(columns, widths, shown, room)
        rich = RichTable(
            title=encodable(title, console.encoding) if number == 0 else None,
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


def _blocks(columns: Sequence[Column], widths: Sequence[int], room: int | None) -> Iterator[list[int]]:
    """The columns of each block: those that name the line, and of the others one at least."""
    keys = [index for index, column in enumerate(columns) if column.key]
    left = [index for index, column in enumerate(columns) if not column.key]
    while True:
        block = list(left)
        while room is not None and len(block) > 1 and _total(_narrowest(columns, widths, keys + block)) > room:
            block.remove(max(block, key=lambda index: (columns[index].later, index)))
        yield sorted(keys + block)
        left = [index for index in left if index not in block]
        if not left:
            return


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
