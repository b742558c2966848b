"""Markdown shows a name as it is, whatever signs it has; a reader of another author's is the judge."""

import html
import re

import pytest
from markdown_it import MarkdownIt

from hashbench.reporting.leaderboard.markdown import escaped

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
FORMULA = re.compile(r"\$.*\$")  # what GitHub sets in italics and without spaces


@pytest.mark.parametrize(
    "name",
    [
        "_mine_",
        "__mine__ and _yours_",
        "pca_rr",
        "~~mine~~",
        "~mine~",
        "[mine](https://example.org)",
        "![mine](https://example.org/x.png)",
        "itq [codes=external]",
        "$x$ for $y$",
        "*mine* `code` a|b \\_x_ <b>&amp;</b>",
    ],
)
def test_a_name_is_read_as_it_was_written(name: str) -> None:
    row = READER.render(f"| method |\n| --- |\n| {escaped(name)} |\n")
    (cell,) = re.findall("<td>(.*)</td>", row)
    assert "<" not in cell
    assert html.unescape(cell) == name
    assert not FORMULA.search(escaped(name))


def test_names_of_our_own_need_no_signs() -> None:
    assert escaped("bihalf_autoencoder [codes=external, anchors=300]") == (
        "bihalf_autoencoder [codes=external, anchors=300]"
    )
