"""The sources of a plugin: helpers are followed wherever they lie, other distributions enter by version."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hashbench.plugins.registry import METHODS
from hashbench.plugins.sources import packages
from tests.command import environment

METHOD = """
{imports}
from hashbench.method import HashMethod, Traits

class Own(HashMethod):
    traits = Traits(deterministic=True)
    def fit(self, train, run):
        {lazy}
        return self
    def encode(self, batch):
        return batch[:, : self.bits] > 0
"""
PRINT = """
import json, pathlib, sys
import hashbench.methods
from hashbench.plugins.sources import plugin_sources

made = plugin_sources("hashbench.methods.own", pathlib.Path(sys.argv[1]))
print(json.dumps([made.sums, made.distributions, sorted(made.engine)]))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "methods").mkdir()
    (tmp_path / "library/inner").mkdir(parents=True)
    return tmp_path


def write(root: Path, imports: str = "", lazy: str = "pass") -> None:
    (root / "methods/own.py").write_text(METHOD.format(imports=imports, lazy=lazy))


def sources(root: Path) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Checksums, distributions and engine modules of the method "own", found by a process of its own."""
    variables = environment(
        root / "cache", HASHBENCH_PLUGINS=str(root), PYTHONPATH=f"{root / 'library'}:{Path(__file__).parents[2]}"
    )
    file = str(root / "methods/own.py")
    done = subprocess.run([sys.executable, "-c", PRINT, file], capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    sums, distributions, engine = json.loads(done.stdout)
    return sums, distributions, engine


def test_a_method_alone_is_one_file_and_what_it_imports_of_the_engine() -> None:
    itq = METHODS.sources("itq")
    assert list(itq.sums) == ["methods/itq.py"]
    assert itq.distributions == {}
    assert {"hashbench.method", "hashbench.util.pca"} <= itq.engine


def test_helpers_are_followed_wherever_they_lie(root: Path) -> None:
    write(root, "from hashbench.methods import _beside\nfrom inner import deep", "import loose")
    (root / "methods/_beside.py").write_text("from ._next import VALUE\n")
    (root / "methods/_next.py").write_text("VALUE = 1\n")
    (root / "library/inner/__init__.py").write_text("from hashbench.nets.signs import sign\n")
    (root / "library/inner/deep.py").write_text("from .deeper import VALUE\nimport numpy, json, sklearn\n")
    (root / "library/inner/deeper.py").write_text("VALUE = 1\n")
    (root / "library/loose.py").write_text("VALUE = 1\n")
    sums, distributions, engine = sources(root)
    helpers = ["methods/_beside.py", "methods/_next.py", "inner/__init__.py", "inner/deep.py", "inner/deeper.py"]
    assert sorted(sums) == sorted(["methods/own.py", "loose.py", *helpers])
    assert distributions == {}
    assert "hashbench.nets.signs" in engine
    for name in (*helpers, "loose.py"):
        file = root / name if name.startswith("methods") else root / "library" / name
        before = file.read_text()
        file.write_text(f"# a comment\n{before}")
        assert sources(root)[0] == sums, name
        file.write_text(f"{before}OTHER = 2\n")
        changed = sources(root)[0]
        assert [each for each in sums if changed[each] != sums[each]] == [name]
        file.write_text(before)


def test_another_distribution_enters_by_its_version(root: Path) -> None:
    package, metadata = root / "library/strange", root / "library/strange-1.5.dist-info"
    for folder in (package, metadata):
        folder.mkdir()
    (package / "__init__.py").write_text("VALUE = 1\n")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.5\n")
    (metadata / "RECORD").write_text("strange/__init__.py,,\nstrange-1.5.dist-info/METADATA,,\n")
    write(root, "import strange")
    sums, distributions, _ = sources(root)
    assert list(sums) == ["methods/own.py"]
    assert distributions == {"strange": "1.5"}


def test_distributions_of_modules_are_those_that_python_finds() -> None:
    found = {top: {one.metadata["Name"] for one in ours} for top, ours in packages().items() if top.isidentifier()}
    theirs = importlib.metadata.packages_distributions()
    wanted = {top: set(names) for top, names in theirs.items() if top.isidentifier() and top != "__pycache__"}
    assert {"torch", "sklearn", "typing_extensions"} <= wanted.keys(), "declared, listed as a folder and as a file"
    assert {top: found.get(top) for top in wanted} == wanted


def test_a_module_that_is_not_installed_is_named(root: Path) -> None:
    write(root, "try:\n    import a_module_that_nobody_has\nexcept ImportError:\n    pass")
    assert sources(root)[1] == {"a_module_that_nobody_has": None}


def test_a_compiled_module_of_no_distribution_enters_by_its_bytes(root: Path) -> None:
    write(root, lazy="import quick")
    compiled = root / "library/quick.abi3.so"
    compiled.write_bytes(b"one")
    before = sources(root)[0]
    assert sorted(before) == ["methods/own.py", "quick.so"]
    compiled.write_bytes(b"two")
    assert sources(root)[0]["quick.so"] != before["quick.so"]


def test_the_same_sources_under_another_root_have_the_same_names(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    for each in (root, other):
        (each / "methods").mkdir(exist_ok=True)
        (each / "library").mkdir(exist_ok=True)
        write(each, "import loose")
        (each / "library/loose.py").write_text("VALUE = 1\n")
    assert sources(root) == sources(other)


@pytest.mark.parametrize("name", ["profile", "ray"])
def test_a_helper_called_like_a_module_of_python_or_a_dependency_is_followed(name: str, root: Path) -> None:
    write(root, f"import {name}")
    (root / f"library/{name}.py").write_text("VALUE = 1\n")
    assert sorted(sources(root)[0]) == sorted(["methods/own.py", f"{name}.py"])


def test_pythons_own_modules_and_dependencies_are_left_out(root: Path) -> None:
    write(root, "import json, os.path, sys, profile, torch.nn, numpy as np, sklearn.cluster, PIL.Image")
    sums, distributions, _ = sources(root)
    assert (list(sums), distributions) == (["methods/own.py"], {})
