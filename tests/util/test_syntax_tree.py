"""Checksums of syntax trees: what changes behaviour changes them, what does not does not, on every Python."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hashbench.util import syntax_tree
from hashbench.util.syntax_tree import imported_modules, tree_sum

PLAIN = '''
"""What it does."""
import math

SIZE = 3  # a comment


class Box:
    """A box."""

    side: float = 1.5

    def area(self, height: float) -> float:
        """Width times height."""
        return f"{self.side!r:>{SIZE}}" + "a" f"b{height}" if height else -math.inf
'''
ROOT = Path(__file__).parents[2]


def summed(folder: Path, text: str) -> str:
    file = folder / "module.py"
    file.write_text(text)
    return tree_sum(file)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # a comment", ""),
        ('"""What it does."""', '"""What it is."""'),
        ('        """Width times height."""\n', ""),
        ("height: float) -> float", "height)"),
        ("side: float = 1.5", "side: int = 1.5"),
        ("SIZE = 3", "SIZE   =   (3)"),
        ("\n\n\nclass", "\nclass"),
        ("-math.inf", "(\n            -math.inf\n        )"),
        ("SIZE = 3", "SIZE: int = 3"),
        ("SIZE = 3", 'SIZE = 3\n"""What it is."""'),
        ("SIZE = 3", "other: int\nSIZE = 3"),
        ("import math", "from __future__ import annotations\nimport math"),
        ("import math", "import math\nif TYPE_CHECKING:\n    import json"),
        ('        """Width times height."""\n', "        pass\n"),
    ],
)
def test_comments_docstrings_annotations_and_layout_make_no_difference(old: str, new: str, tmp_path: Path) -> None:
    assert old in PLAIN
    assert summed(tmp_path, PLAIN.replace(old, new)) == summed(tmp_path, PLAIN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SIZE = 3", "SIZE = 3.0"),
        ("SIZE = 3", "SIZE = True"),
        ("side: float = 1.5", "side: float"),
        ("side", "width"),
        ("!r", "!s"),
        ('"a"', '"c"'),
        ("import math", "import cmath as math"),
        ("-math", "+math"),
        ("side: float = 1.5", "side = 1.5"),
        ("side: float = 1.5", "side: ClassVar[float] = 1.5"),
    ],
)
def test_what_can_change_behaviour_makes_a_difference(old: str, new: str, tmp_path: Path) -> None:
    assert summed(tmp_path, PLAIN.replace(old, new)) != summed(tmp_path, PLAIN)


def test_line_ends_make_no_difference(tmp_path: Path) -> None:
    assert summed(tmp_path, PLAIN) == summed(tmp_path, PLAIN.replace("\n", "\r\n"))


def test_what_cannot_be_parsed_has_the_sum_of_its_bytes(tmp_path: Path) -> None:
    sums = {summed(tmp_path, text) for text in ("def", "def ", "if:")}
    assert len(sums) == 3


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("import a.b\ndef f():\n    from .c import d\n    from .. import e\n    from g import *\n")
    assert imported_modules(file, "p.q") == ["a.b", "g", "g.*", "p", "p.e", "p.q.c", "p.q.c.d"]


OTHERS = [python for version in ("3.11", "3.12", "3.13") if (python := shutil.which(f"python{version}"))]


@pytest.mark.parametrize("python", OTHERS)
def test_sums_are_equal_on_every_python(python: str) -> None:
    """The source files of methods and engine, by the Pythons of this machine."""
    if subprocess.run([python, "-c", "import ast"], capture_output=True).returncode:
        pytest.skip(f"{python} does not start")
    code = (
        "import importlib.util, pathlib, sys\n"
        "spec = importlib.util.spec_from_file_location('syntax_tree', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "for file in sys.argv[2:]: print(module.tree_sum(pathlib.Path(file)))"
    )
    files = sorted(
        str(file) for room in ("hashbench/nets", "methods", "datasets") for file in (ROOT / room).rglob("*.py")
    )
    words = ["-c", code, syntax_tree.__file__, *files]
    theirs = subprocess.run([python, *words], capture_output=True, text=True, check=True).stdout.split()
    assert theirs == [tree_sum(Path(file)) for file in files]
