"""The leaderboard as LaTeX, for papers: booktabs tables."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from hashbench.evaluation.headline import NEIGHBOURS_CURVE_K, NEIGHBOURS_HEADLINE
from hashbench.reporting.display_names import display_label
from hashbench.reporting.leaderboard.caption import MULTIPLE, STALE, caption, failures, few_codes, title
from hashbench.reporting.leaderboard.cell_text import STALE_MARK, TIED_MARK, information_text, rank_text, value
from hashbench.reporting.leaderboard.table import Line, Row, Table
from hashbench.reporting.metric_names import metric_name
from hashbench.reporting.plain_text import plain
from hashbench.reporting.statistics import SIGNIFICANCE

COMMENT_WIDTH = 96
LONGEST = 20_000

_SPECIAL = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "≥": r"$\geq$",
        "±": r"$\pm$",
        TIED_MARK: r"$\approx$",
        STALE_MARK: r"\dag{}",
        "–": "--",
        "·": r"$\cdot$",
        "[": "{[}",  # after \\ it would be taken for an argument
        "]": "{]}",
    }
)


def latex(tables: Iterable[Table], names: Mapping[str, str] = MappingProxyType({})) -> str:
    """A ``table`` environment for each table, to be included in a document that has ``\\usepackage{booktabs}``.

    The caption is short; all that a number stands on goes before the table as a comment.

    Args:
        tables: what to write.
        names: display names of methods, rows, data sets, protocols and features, by their own.
    """
    return "\n".join(["% needs \\usepackage{booktabs}", *(_environment(table, names) for table in tables)])


def escaped(text: str) -> str:
    """Text that LaTeX sets as it is."""
    return text.translate(_SPECIAL)


def _environment(table: Table, names: Mapping[str, str]) -> str:
    sees = ["Sees"] if table.shows_information else []
    head = ["", "Method", *sees, *(f"{bits} bits" for bits in table.columns)]
    return "\n".join(
        [
            *_comment(table),
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{' '.join(_caption(table, names))}}}",
            rf"\label{{tab:{_slug(table)}}}",
            rf"\begin{{tabular}}{{rl{'l' * len(sees)}{'r' * len(table.columns)}}}",
            r"\toprule",
            _line(head),
            r"\midrule",
            *(_row(table, line, names) for line in table.lines() if line.kind != "reference"),
            *([r"\midrule"] if table.references and table.methods else []),
            *(_row(table, line, names) for line in table.lines() if line.kind == "reference"),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _comment(table: Table) -> list[str]:
    """The caption in full, constant codes and failures, in lines that LaTeX leaves out."""
    sentences = [f"{title(table)}.", *caption(table)]
    lines = [" ".join(sentences), *few_codes(table), *(f"Not ended well: {line}." for line in failures(table))]
    return [f"% {part}" for line in lines for part in textwrap.wrap(plain(line, LONGEST), COMMENT_WIDTH)]


def _caption(table: Table, names: Mapping[str, str]) -> list[str]:
    """Sentences in LaTeX: metric, data and features, what deviations and marks are."""
    key = table.key
    dataset, _, protocol = key.protocol.partition("/")
    data = names.get(key.protocol) or f"{names.get(dataset, dataset)} ({protocol})"
    limit = f", first {key.limit:,} training items" if key.limit else ""
    kind = (", supervised" if key.supervised else "") + (f", {key.ranking} ranking" if key.ranking else "")
    features = names.get(key.features, key.features)
    sentences = [escaped(f"{metric_name(table.metric)} on {data}, features {features}{limit}{kind}.")]
    cells = [cell for row in table.methods for cell in row.cells.values()]
    runs = sorted({len(cell.ok) for cell in cells if len(cell.ok) > 1})
    if runs:
        count = f"{runs[0]}--{runs[-1]}" if len(runs) > 1 else f"{runs[0]}"
        sentences.append(rf"Mean $\pm$ standard deviation of {count} repetitions.")
        if any(len(cell.ok) == 1 for cell in cells):
            sentences.append("Values without a deviation are of one run.")
    if table.metric == NEIGHBOURS_HEADLINE:
        sentences.append(escaped(f"m: {MULTIPLE} of the {NEIGHBOURS_CURVE_K} nearest."))
    if len(table.methods) > 1:
        sentences.append("Bold: best.")
    if any(cell.tied_with_best for cell in cells):
        sentences.append(rf"$\approx$: not significantly different from it ($p \geq {SIGNIFICANCE:g}$).")
    if any(cell.stale for cell in cells):
        sentences.append(escaped(STALE))
    return sentences


def _slug(table: Table) -> str:
    """For \\ref: the table's protocol and features, the metric where it is not the headline, six digits of its key."""
    metric = [table.metric] if table.metric != table.headline else []
    words = (table.key.protocol, table.key.features, *metric, table.key.digest)
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-") for word in words)


def _row(table: Table, line: Line, names: Mapping[str, str]) -> str:
    label = escaped(display_label(line.row.label, names))
    label = rf"\textit{{{label}}}" if line.kind == "reference" else label
    sees = [escaped(information_text(line))] if table.shows_information else []
    return _line([escaped(rank_text(line)), label, *sees, *(_cell(table, line.row, bits) for bits in table.columns)])


def _cell(table: Table, row: Row, bits: int) -> str:
    text = escaped(value(row.cell(bits), table.metric))
    return rf"\textbf{{{text}}}" if table.is_best(row, bits) else text


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
