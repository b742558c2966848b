"""README and the pages of docs/, and their blocks of code.

``<!-- needs: WHAT -->`` on the line above a block says what it needs beside an installed hashbench. A block without it
needs no data and no minutes, and is run by the fast tier; ``minutes`` alone is run by the slow one.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
MINUTES = "minutes"

if not README.exists() or not DOCS.exists():
    pytest.skip("README.md and docs/ are not beside the tests", allow_module_level=True)

PAGES = (README, *sorted(DOCS.glob("*.md")))
_BLOCK = re.compile(
    r"(?:^<!-- needs: (?P<needs>[^\n]+) -->\n)?"
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.M | re.S,
)
_CALL = re.compile(r"(?<![\w./-])hashbench ((?:data |new )?[a-z]+\b[^#|&>)\n]*)")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: where it stands.
        line: its number there.
        language: sh, python, toml, csv, yaml.
        title: the name of the file that it shows, or empty.
        needs: what the mark above it says, or empty.
        text: what is in it.
    """

    page: Path
    line: int
    language: str
    title: str
    needs: str
    text: str

    def calls(self) -> list[list[str]]:
        """The words of each call of hashbench, without what follows a pipe or a redirection."""
        text = self.text.replace("\\\n", " ").replace("$n", "1")  # of a loop
        return [shlex.split(call) for call in _CALL.findall(text)]


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text()
    return [
        Block(
            page,
            text.count("\n", 0, found.start("text")),
            found["language"],
            found["title"] or "",
            found["needs"] or "",
            found["text"],
        )
        for found in _BLOCK.finditer(text)
    ]


def all_text() -> str:
    """README and all pages."""
    return "\n".join(page.read_text() for page in PAGES)


def section(page: Path, heading: str) -> str:
    """What stands below a heading of the second order."""
    found = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found, heading
    return found
