"""The leaderboard as LaTeX, for papers: booktabs tables."""

from collections.abc import Iterable

from hashbench.reporting.leaderboard.caption import caption, failures, title
from hashbench.reporting.leaderboard.cell_text import STALE_MARK, TIED_MARK, value
from hashbench.reporting.leaderboard.table import HEADLINE, Row, Table

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
            *(_row(table, row, str(rank)) for rank, row in enumerate(table.ranked, 1)),
            *(_row(table, row, "--") for row in table.unranked),
            *([r"\midrule"] if table.references and (table.ranked or table.unranked) else []),
            *(_row(table, row, "", italic=True) for row in table.references),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _row(table: Table, row: Row, rank: str, italic: bool = False) -> str:
    label = rf"\textit{{{escaped(row.label)}}}" if italic else escaped(row.label)
    return _line([rank, label, *(_cell(table, row, bits) for bits in table.columns)])


def _cell(table: Table, row: Row, bits: int) -> str:
    text = escaped(value(row.cell(bits), HEADLINE))
    best = row in table.ranked and row.cell(bits).mean(HEADLINE) == table.best(bits)
    return rf"\textbf{{{text}}}" if best else text


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
