"""Every file of methods/ keeps the contract of methods, and has a test of the property that defines it."""

import ast
from pathlib import Path
from typing import Any

import pytest

from hashbench.conformance import checks
from hashbench.conformance.method_check import BITS
from hashbench.plugins.registry import METHODS
from hashbench.util.documents import read_toml

HERE = Path(__file__).parent
TABLES = read_toml(HERE / "contract.toml", "tests/methods/contract.toml", "mend it")
NAMES = [name for name in METHODS.names() if METHODS.is_shipped(name)]


def lacking(names: list[str], tables: dict[str, Any]) -> list[str]:
    """What is wrong with the tables, a line each."""
    lines = [f"{name} is no file of methods/; take its table out" for name in tables if name not in names]
    for name in names:
        table = tables.get(name, {})
        lines += [f"{name} lacks {key} in contract.toml" for key in ("property", "smoke") if key not in table]
        file, _, function = table.get("property", "").partition("::")
        if "property" in table and function not in functions(HERE / file):
            lines.append(f"{name}: there is no test {table['property']!r} in tests/methods")
    return lines


def functions(file: Path) -> set[str]:
    """The tests of a file; none where there is no such file."""
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text())
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


def test_every_method_has_a_property_test_and_a_smoke_configuration() -> None:
    assert lacking(NAMES, TABLES) == []


def test_a_method_without_either_is_named() -> None:
    sound = {"property": "test_rotation.py::test_the_objective_never_rises", "smoke": {}}
    stray = {"property": "test_rotation.py::test_nothing", "smoke": {}}
    assert lacking(["itq", "mine", "other"], {"itq": sound, "other": stray, "gone": sound}) == [
        "gone is no file of methods/; take its table out",
        "mine lacks property in contract.toml",
        "mine lacks smoke in contract.toml",
        "other: there is no test 'test_rotation.py::test_nothing' in tests/methods",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str) -> None:
    table = TABLES.get(name, {})
    found = checks(name, table.get("bits", BITS), table.get("smoke"), table.get("expected"))
    outcomes = [one.run() for one in found]
    assert [f"{outcome.name}: {outcome.message}" for outcome in outcomes if not outcome.ok] == []
