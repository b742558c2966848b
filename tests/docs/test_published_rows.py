"""Figures of papers in the documentation are those of figures.toml."""

import re

from hashbench.reporting.published.figures import tables_with
from tests.docs.pages import DOCS

METHODS = (DOCS / "methods.md").read_text().partition("## Published figures")[2]
ROW = re.compile(r"^\| `(\w+)` \|((?: \.\d+ \|){4})$", re.M)


def test_rows_of_papers_are_those_of_the_facts() -> None:
    heading = next(line for line in METHODS.splitlines() if line.startswith("| published |"))
    bits = re.findall(r"\d+", heading)
    (table,) = (one for one in tables_with("itq") if one.protocol == "cifar10/unsupervised-59k")
    rows = {name: map(float, re.findall(r"\.\d+", figures)) for name, figures in ROW.findall(METHODS)}
    assert {name: dict(zip(bits, figures, strict=True)) for name, figures in rows.items()} == table.rows


def test_the_row_of_lucene_is_that_of_the_facts() -> None:
    (line,) = re.findall(r"^\| Lucene's.*$", (DOCS / "neighbours.md").read_text(), re.M)
    (table,) = tables_with("rabitq")
    written = re.findall(r"\.\d+", line)
    assert float(written[0]) == table.rows["rabitq"]["784"]
    assert written[1:] == re.findall(r"\.\d+", table.setting)
