"""The leaderboard as LaTeX, for papers: booktabs tables."""

from collections.abc import Iterable

from hashbench.reporting.leaderboard.caption import caption, failures, title
from hashbench.reporting.leaderboard.cell_text import STALE_MARK, TIED_MARK, rank_text, value
from hashbench.reporting.leaderboard.table import Line, Row, Table

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
        "[": "{[}",  # after \\ it would be taken for an argument
        "]": "{]}",
    }
)


def latex(tables: Iterable[Table]) -> str:
    """A ``table`` environment for each table, to be included in a document that has ``\\usepackage{booktabs}``."""
    return "\n".join(["% needs \\usepackage{booktabs}", *(_environment(table) for table in tables)])


def escaped(text: str) -> str:
    """Text that LaTeX sets as it is."""
    return text.translate(_SPECIAL)


def _environment(table: Table) -> str:
    sentences = [f"{title(table)}.", *caption(table)]
    failed = failures(table)
    if failed:
        sentences.append(f"Not ended well: {'; '.join(failed)}.")
    head = ["", "Method", *(f"{bits} bits" for bits in table.columns)]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escaped(' '.join(sentences))}}}",
            rf"\begin{{tabular}}{{rl{'r' * len(table.columns)}}}",
            r"\toprule",
            _line(head),
            r"\midrule",
            *(_row(table, line) for line in table.lines() if line.kind != "reference"),
            *([r"\midrule"] if table.references and table.methods else []),
            *(_row(table, line) for line in table.lines() if line.kind == "reference"),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _row(table: Table, line: Line) -> str:
    label = escaped(line.row.label)
    label = rf"\textit{{{label}}}" if line.kind == "reference" else label
    return _line([escaped(rank_text(line)), label, *(_cell(table, line.row, bits) for bits in table.columns)])


def _cell(table: Table, row: Row, bits: int) -> str:
    text = escaped(value(row.cell(bits)))
    return rf"\textbf{{{text}}}" if table.is_best(row, bits) else text


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
