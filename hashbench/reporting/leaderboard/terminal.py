"""The leaderboard on a terminal."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from hashbench.reporting.leaderboard.caption import caption, failures, title
from hashbench.reporting.leaderboard.cell_text import NONE, value
from hashbench.reporting.leaderboard.table import HEADLINE, Row, Table
from hashbench.reporting.rates import encode_rate, rate_text, search_rate


def show(tables: Iterable[Table], console: Console) -> None:
    """Print every table with its caption and its failures."""
    for table in tables:
        console.print()
        rich, sentences = _rich(table, costs=True), caption(table)
        if console.measure(rich).minimum <= console.width:
            sentences.append(f"fit s, encode/s (images) and search/s (queries, k = 100) at {table.columns[-1]} bits.")
        else:
            rich = _rich(table, costs=False)
            sentences.append("The terminal is too narrow for training seconds and rates.")
        console.print(rich)
        console.print(Padding(Text(" ".join(sentences), style="dim"), (0, 1)))
        for line in failures(table):
            console.print(Padding(Text(line, style="red"), (0, 1)))


def _rich(table: Table, costs: bool) -> RichTable:
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
    for heading in ("fit s", "encode/s", "search/s") if costs else ():
        rich.add_column(heading, justify="right", no_wrap=True)
    for rank, row in enumerate(table.ranked, 1):
        rich.add_row(
            str(rank),
            Text(row.label),
            *(_marked(table, row, bits) for bits in table.columns),
            *_costs(table, row, costs),
        )
    for row in table.unranked:
        rich.add_row(NONE, Text(row.label), *_values(table, row), *_costs(table, row, costs))
    rich.add_section()
    for row in table.references:
        rich.add_row("", Text(row.label, style="italic"), *_values(table, row))
    return rich


def _values(table: Table, row: Row) -> list[Text]:
    return [
        Text(value(row.cell(bits), HEADLINE), style="red" if row.cell(bits).failed else "") for bits in table.columns
    ]


def _marked(table: Table, row: Row, bits: int) -> Text:
    best = row.cell(bits).mean(HEADLINE) == table.best(bits)
    return Text(value(row.cell(bits), HEADLINE), style="bold green" if best else "")


def _costs(table: Table, row: Row, wanted: bool) -> list[str]:
    """Fit seconds, encode images/s and search queries/s (k = 100) at the longest code."""
    if not wanted:
        return []
    cell = row.cell(table.columns[-1])
    fit = cell.seconds("fit")
    return [NONE if fit is None else f"{fit:.1f}", rate_text(encode_rate(cell)), rate_text(search_rate(cell, 100))]
