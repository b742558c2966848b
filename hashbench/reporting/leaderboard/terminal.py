"""The leaderboard on a terminal."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from hashbench.reporting.leaderboard.caption import caption, failures, title
from hashbench.reporting.leaderboard.cell_text import costs, rank_text, value
from hashbench.reporting.leaderboard.table import SEARCH_K, Line, Row, Table


def show(tables: Iterable[Table], console: Console) -> None:
    """Print every table with its caption and its failures."""
    for table in tables:
        console.print()
        rich, sentences = _rich(table, with_costs=True), caption(table)
        if console.measure(rich).minimum <= console.width:
            sentences.append(
                f"fit s, encode/s (images) and search/s (queries, k = {SEARCH_K}) at {table.columns[-1]} bits."
            )
        else:
            rich = _rich(table, with_costs=False)
            sentences.append("The terminal is too narrow for training seconds and rates.")
        console.print(rich)
        console.print(Padding(Text(" ".join(sentences), style="dim"), (0, 1)))
        for line in failures(table):
            console.print(Padding(Text(line, style="red"), (0, 1)))


def _rich(table: Table, with_costs: bool) -> RichTable:
    """``with_costs`` adds seconds of training and rates at the longest code."""
    rich = RichTable(
        padding=(0, 1, 0, 0),
        title=title(table),
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
    )
    rich.add_column("", justify="right")
    rich.add_column("method", overflow="fold", min_width=len("reference-random"))
    for bits in table.columns:
        rich.add_column(f"{bits} bits", justify="right", no_wrap=True)
    for heading in ("fit s", "encode/s", "search/s") if with_costs else ():
        rich.add_column(heading, justify="right", no_wrap=True)
    for line in table.lines():
        cells = _cells(table, line, with_costs)
        rich.add_row(rank_text(line), *cells, end_section=line.row is table.methods[-1])
    return rich


def _cells(table: Table, line: Line, with_costs: bool) -> list[Text]:
    row, reference = line.row, line.kind == "reference"
    numbers = costs(row.cell(table.columns[-1])) if with_costs and not reference else []
    return [
        Text(row.label, style="italic" if reference else ""),
        *(Text(value(row.cell(bits)), style=_style(table, row, bits)) for bits in table.columns),
        *map(Text, numbers),
    ]


def _style(table: Table, row: Row, bits: int) -> str:
    return "bold green" if table.is_best(row, bits) else "red" if row.cell(bits).failed else ""
