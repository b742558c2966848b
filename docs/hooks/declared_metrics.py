"""The table of all metrics, from their declarations, where a page has the mark ``<!-- declared metrics -->``."""

from typing import Any

from hashbench.evaluation.metrics import Metric, declared, declared_neighbours

MARK = "<!-- declared metrics -->"
_BETTER = {"up": "higher", "down": "lower", "none": "–"}


def table() -> str:
    """A row for each metric."""
    head = "| metric | formula | better |\n| --- | --- | --- |\n"
    return head + "\n".join(_row(metric) for metric in (*declared(), *declared_neighbours()))


def _row(metric: Metric) -> str:
    formula = metric.formula.replace("|", r"\|").replace("^", r"\^").replace("*", r"\*")
    return f"| `{metric.id}` | {formula} | {_BETTER[metric.direction]} |"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill the mark."""
    return markdown.replace(MARK, table())
