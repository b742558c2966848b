"""The leaderboard as Markdown."""

import re
from collections.abc import Iterable

from hashbench.evaluation.headline import HEADLINE, RADIUS
from hashbench.evaluation.metrics import declared_neighbours
from hashbench.reporting.leaderboard.caption import caption, failures, few_codes, title
from hashbench.reporting.leaderboard.cell_text import (
    bytes_text,
    costs,
    difference,
    information_text,
    p_value,
    rank_text,
    value,
)
from hashbench.reporting.leaderboard.rescored import ABOUT, HEADINGS, rescored_texts, two_stages
from hashbench.reporting.leaderboard.table import SEARCH_K, Table
from hashbench.reporting.metric_names import metric_heading, metric_name
from hashbench.reporting.plain_text import markdown_table

DETAILS = (HEADLINE, "map@all", "precision@100", "recall@1000", f"precision@r{RADIUS}", f"adjusted_{HEADLINE}")
BY_NEIGHBOURS = tuple(metric.id for metric in declared_neighbours())
_SPECIAL = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "~": "&#126;", "$": "&#36;", **{sign: f"\\{sign}" for sign in "|*`\\"}}
)
_STRESS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # one inside a word, as in pca_rr, stresses nothing


def markdown(tables: Iterable[Table]) -> str:
    """All tables, each with its caption, its failures and a detailed table."""
    parts = ["# Leaderboard"]
    for table in tables:
        parts += [
            f"## {escaped(title(table))}",
            *overview(table, times=True),
            "### Details",
            _details(table),
            *([ABOUT] if two_stages(table) else ()),
        ]
    return "\n\n".join(parts) + "\n"


def overview(table: Table, times: bool = False) -> list[str]:
    """Paragraphs: methods x bits, the caption (about times too, if they follow), and what did not end well."""
    parts = [_overview(table), escaped(" ".join(caption(table, times)))]
    few = few_codes(table)
    if few:
        parts.append("\n".join(f"* {escaped(line)}" for line in few))
    failed = failures(table)
    if failed:
        parts.append("Not ended well:\n\n" + "\n".join(f"* {escaped(line)}" for line in failed))
    return parts


def escaped(text: str) -> str:
    """Text that Markdown, GitHub's with its formulas among them, and the HTML within it take as it is."""
    return _STRESS.sub(r"\_", text.translate(_SPECIAL)).replace("](", r"\](")


def _overview(table: Table) -> str:
    rows = []
    for line in table.lines():
        label = escaped(line.row.label)
        cells = [
            f"**{text}**" if table.is_best(line.row, bits) else text
            for bits in table.columns
            for text in [value(line.row.cell(bits), table.metric)]
        ]
        sees = [information_text(line)] if table.shows_information else []
        rows.append([rank_text(line), f"*{label}*" if line.kind == "reference" else label, *sees, *cells])
    texts = ["rank", "method", *(["sees"] if table.shows_information else [])]
    columns = [f"{bits} bits" for bits in table.columns]
    return markdown_table([*texts, *columns], rows, [*(False for _ in texts), *(True for _ in columns)])


def _details(table: Table) -> str:
    cutoff = [f"map@{table.cutoff}"] if table.cutoff else []
    by_labels = [*DETAILS[:2], *cutoff, *DETAILS[2:]] if not table.by_neighbours or table.card["classes"] else []
    metrics = dict.fromkeys([*(BY_NEIGHBOURS if table.by_neighbours else ()), *by_labels, table.metric])
    size = ["bytes/item"] if table.by_neighbours else []
    stages = two_stages(table)
    numbers = [
        "bits",
        *size,
        "n",
        *map(metric_heading, metrics),
        f"{metric_name(table.headline)} to best [95 % of this pair]",
        "p (all pairs)",
        "fit s",
        f"encode {'vectors' if table.has_vectors else 'images'}/s",
        f"search queries/s (k = {SEARCH_K})",
        *(HEADINGS if stages else ()),
    ]
    rows = [
        [
            escaped(row.label),
            str(bits or "float"),
            *([bytes_text(cell)] if size else []),
            str(len(cell.ok)),
            *(value(cell, metric, beside=False) for metric in metrics),
            difference(cell),
            p_value(cell),
            *costs(cell),
            *(rescored_texts(cell) if stages else ()),
        ]
        for row in table.rows
        for bits, cell in row.by_bits()
    ]
    return markdown_table(["method", *numbers], rows, [False, *(True for _ in numbers)])
