"""The leaderboard on a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hashbench.reporting.leaderboard.caption import caption, failures, few_codes, title
from hashbench.reporting.leaderboard.cell_text import (
    SHOWN_PERCENT,
    bytes_text,
    costs,
    information_text,
    rank_text,
    value,
)
from hashbench.reporting.leaderboard.rescored import stages_text, two_stages
from hashbench.reporting.leaderboard.table import SEARCH_K, Row, Table
from hashbench.reporting.leaderboard.table import Line as TableLine
from hashbench.reporting.terminal_table import Column, Line, print_table

BYTES = "bytes"
STAGES = "scan + rescoring ms"
COSTS = {
    "fit s": "fit s (training)",
    "encode/s": "encode/s (images)",
    "search/s": f"search/s (queries, k = {SEARCH_K})",
}


def show(tables: Iterable[Table], console: Console) -> None:
    """Print every table with its caption and its failures."""
    for table in tables:
        console.print()
        print_table(console, title(table), _columns(table), [_line(table, line) for line in table.lines()])
        sentences = [*caption(table), f"{', '.join(_last_columns(table))}: at {table.columns[-1]} bits."]
        console.print(Padding(Text(" ".join(sentences), style="dim"), (0, 1)))
        for line in few_codes(table):
            console.print(Padding(Text(line, style="yellow"), (0, 1)))
        for line in failures(table):
            console.print(Padding(Text(line, style="red"), (0, 1)))


def _last_columns(table: Table) -> list[str]:
    """What stands behind the code lengths, in words."""
    size = ["bytes of an item"] if table.by_neighbours else []
    costs = [words.replace("images", "vectors") if table.has_vectors else words for words in COSTS.values()]
    median = f"{STAGES} (a query's median, of the measured m that holds {SHOWN_PERCENT} %)"
    return [*size, *costs, *([median] if two_stages(table) else [])]


def _columns(table: Table) -> list[Column]:
    """Where there is no room rates follow in a block below, then seconds of training, then the longest codes."""
    size = [Column(BYTES, later=2)] if table.by_neighbours else []
    return [
        Column("", key=True),
        Column("method", text=True, key=True),
        *([Column("sees", text=True)] if table.shows_information else []),
        *(Column(f"{bits} bits", later=1) for bits in table.columns),
        *size,
        *(Column(heading, later=3 if "/" in heading else 2) for heading in COSTS),
        *([Column(STAGES, later=4)] if two_stages(table) else ()),
    ]


def _line(table: Table, line: TableLine) -> Line:
    row, reference = line.row, line.kind == "reference"
    last = row.cell(table.columns[-1])
    stages = [stages_text(last)] if two_stages(table) else []
    numbers = [""] * (3 + len(stages)) if reference else [*costs(last), *stages]
    size = [bytes_text(last)] if table.by_neighbours else []
    cells = [
        Text(rank_text(line)),
        Text(row.label, style="italic" if reference else ""),
        *([Text(information_text(line))] if table.shows_information else []),
        *(Text(value(row.cell(bits), table.metric), style=_style(table, row, bits)) for bits in table.columns),
        *map(Text, [*size, *numbers]),
    ]
    return Line(cells, ends=row is table.methods[-1])


def _style(table: Table, row: Row, bits: int) -> str:
    return "bold green" if table.is_best(row, bits) else "red" if row.cell(bits).failed else ""
