"""The leaderboard as Markdown."""

from collections.abc import Iterable

from hashbench.reporting.leaderboard.caption import caption, failures, title
from hashbench.reporting.leaderboard.cell_text import NONE, p_value, to_best, value
from hashbench.reporting.leaderboard.table import HEADLINE, Cell, Row, Table
from hashbench.reporting.rates import encode_rate, rate_text, search_rate

DETAILS = ("map@1000", "map@all", "precision@100", "recall@1000", "precision@r2", "adjusted_map@1000")
HEADINGS = {
    "map@1000": "mAP@1000",
    "map@all": "mAP@all",
    "precision@100": "P@100",
    "recall@1000": "R@1000",
    "precision@r2": "P@r≤2",
    "adjusted_map@1000": "adjusted mAP@1000",
}
_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", **{sign: f"\\{sign}" for sign in "|*`\\"}})


def markdown(tables: Iterable[Table]) -> str:
    """All tables, each with its caption, its failures and a detailed table."""
    parts = ["# Leaderboard"]
    for table in tables:
        parts += [f"## {escaped(title(table))}", *overview(table), "### Details", _details(table)]
    return "\n\n".join(parts) + "\n"


def overview(table: Table) -> list[str]:
    """Paragraphs: methods x bits, the caption, and what did not end well."""
    parts = [_overview(table), escaped(" ".join(caption(table)))]
    failed = failures(table)
    if failed:
        parts.append("Not ended well:\n\n" + "\n".join(f"* {escaped(line)}" for line in failed))
    return parts


def escaped(text: str) -> str:
    """Text that Markdown and the HTML within it take as it is."""
    return text.translate(_SPECIAL)


def _overview(table: Table) -> str:
    head = ["rank", "method", *(f"{bits} bits" for bits in table.columns)]
    lines = []
    for rank, row in enumerate(table.ranked, 1):
        lines.append([str(rank), escaped(row.label), *(_marked(table, row, bits) for bits in table.columns)])
    for row in table.unranked:
        lines.append([NONE, escaped(row.label), *(value(row.cell(bits), HEADLINE) for bits in table.columns)])
    for row in table.references:
        lines.append(["", f"*{escaped(row.label)}*", *(value(row.cell(bits), HEADLINE) for bits in table.columns)])
    return _grid(head, lines, numbers_from=2)


def _marked(table: Table, row: Row, bits: int) -> str:
    text = value(row.cell(bits), HEADLINE)
    return f"**{text}**" if row.cell(bits).mean(HEADLINE) == table.best(bits) else text


def _details(table: Table) -> str:
    cutoff = table.cutoff
    metrics = [*DETAILS[:2], *([f"map@{cutoff}"] if cutoff else []), *DETAILS[2:]]
    headings = {**HEADINGS, f"map@{cutoff}": f"mAP@{cutoff}"}
    names = [headings[metric] for metric in metrics]
    compared = ["mAP@1000 to best [95 %]", "p (Holm)"]
    rates = ["fit s", "encode images/s", "search queries/s (k = 100)"]
    lines = []
    for row in (*table.ranked, *table.unranked, *table.references):
        for bits, cell in sorted(row.cells.items(), key=lambda item: item[0] or 0):
            figures = [value(cell, metric) for metric in metrics]
            place = [escaped(row.label), str(bits or "float"), str(len(cell.ok))]
            lines.append([*place, *figures, to_best(cell), p_value(cell), *_costs(cell)])
    return _grid(["method", "bits", "n", *names, *compared, *rates], lines, numbers_from=1)


def _costs(cell: Cell) -> list[str]:
    fit = cell.seconds("fit")
    return [NONE if fit is None else f"{fit:.1f}", rate_text(encode_rate(cell)), rate_text(search_rate(cell, 100))]


def _grid(head: list[str], lines: list[list[str]], numbers_from: int) -> str:
    rule = ["---" if column < numbers_from else "---:" for column in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines))
