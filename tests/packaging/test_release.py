"""What a release has beside its code."""

import re
import tomllib
from pathlib import Path

import pytest

from hashbench.version import __version__

ROOT = Path(__file__).parents[2]
CITATION, PROJECT = ROOT / "CITATION.cff", ROOT / "pyproject.toml"

if not PROJECT.exists():
    pytest.skip("pyproject.toml is not beside the tests", allow_module_level=True)


def test_the_citation_is_of_this_version() -> None:
    assert re.findall(r"^version: (.*)$", CITATION.read_text(), flags=re.M) == [__version__]


def test_a_source_distribution_has_citation_and_security_note() -> None:
    include = tomllib.loads(PROJECT.read_text())["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"/CITATION.cff", "/SECURITY.md", "/CHANGELOG.md", "/LICENSE"} <= set(include)
    assert all((ROOT / name.lstrip("/")).exists() for name in include)


def test_the_matrix_has_every_python_that_the_project_names() -> None:
    workflow = ROOT / ".github/workflows/tests.yml"
    if not workflow.exists():
        pytest.skip("no workflows beside the tests")
    named = [line.rpartition(" ")[2] for line in tomllib.loads(PROJECT.read_text())["project"]["classifiers"]]
    versions = [name for name in named if re.fullmatch(r"3\.\d+", name)]
    assert re.search(r"python: \[(.*)\]", workflow.read_text())[1].replace('"', "").split(", ") == versions  # type: ignore[index]
