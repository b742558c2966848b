"""``hashbench new``: a plugin that works and a test that passes, or one line and nothing written."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from hashbench.cli.new import command
from hashbench.conformance import checks
from hashbench.data.spec import open_dataset
from hashbench.errors import UsageError
from hashbench.plugins.new_plugin import write_plugin
from hashbench.plugins.registry import METHODS


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A plugin root in which new plugins are found."""
    for room in ("methods", "datasets"):
        package = importlib.import_module(f"hashbench.{room}")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / room)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def contents(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def test_a_new_method_passes_its_test_and_keeps_the_contract(root: Path) -> None:
    file, test = write_plugin("method", "my_method", root)
    assert METHODS.file("my_method") == file == root / "methods/my_method.py"
    assert [outcome for outcome in (one.run() for one in checks("my_method")) if not outcome.ok] == []
    module: Any = load(test)
    assert test == root / "tests/methods/test_my_method.py"
    module.test_the_unit_of_a_feature_does_not_matter()


def test_a_new_data_set_passes_its_test(root: Path) -> None:
    _, test = write_plugin("dataset", "my_birds", root)
    module: Any = load(test)
    opened = open_dataset("my_birds", Path())
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert len(tests) == 3
    for each in tests:
        each(opened)


@pytest.mark.parametrize("name", ["tensor", "traits", "none", "true", "self", "x2", "training_set"])
def test_any_name_gives_a_class_that_works(name: str, root: Path) -> None:
    write_plugin("method", name, root)
    assert METHODS.get(name)(8).bits == 8


def test_the_command_says_what_it_wrote_and_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, ["method", "mine"])
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        [
            "wrote methods/mine.py",
            "wrote tests/methods/test_mine.py",
            "next:",
            f"  export HASHBENCH_PLUGINS={tmp_path}",
            "  pytest tests/methods/test_mine.py",
            "  hashbench run --methods mine --bits 16,32",
        ],
    )


def test_a_root_that_is_known_is_not_exported_again(root: Path) -> None:
    done = CliRunner().invoke(command, ["dataset", "mine", "--into", str(root)])
    assert done.exit_code == 0
    assert "export" not in done.stdout


def test_in_the_checkout_a_method_gets_its_table(root: Path) -> None:
    (root / "tests/methods").mkdir(parents=True)
    (root / "tests/methods/contract.toml").write_text("[itq]\n")
    written = write_plugin("method", "mine", root)
    assert written[-1].read_text() == (
        '[itq]\n\n[mine]\nproperty = "test_mine.py::test_the_unit_of_a_feature_does_not_matter"\nsmoke = {}\n'
    )


@pytest.mark.parametrize(
    ("kind", "name", "complaint"),
    [
        ("method", "My-Method", "'My-Method' is no name for a method: wanted a name of a Python file, of lower-case"),
        ("method", "2nd", "'2nd' is no name for a method"),
        ("dataset", "../birds", "'../birds' is no name for a data set"),
        ("method", "class", "'class' is no name for a method"),
        ("method", "itq", "the name 'itq' is taken by a method ("),
        ("method", "digits", "the name 'digits' is taken by a data set ("),
        ("method", "there", "methods/there.py is there already; choose another name than 'there'"),
        ("method", "tested", "tests/methods/test_tested.py is there already"),
    ],
)
def test_what_cannot_be_written_is_a_line_and_nothing_changes(kind: str, name: str, complaint: str, root: Path) -> None:
    (root / "methods").mkdir()
    (root / "methods/there.py").write_text("mine")
    (root / "tests/methods").mkdir(parents=True)
    (root / "tests/methods/test_tested.py").write_text("mine")
    before = contents(root)
    with pytest.raises(UsageError) as refused:
        write_plugin(kind, name, root)
    assert complaint in str(refused.value)
    assert contents(root) == before


def test_a_folder_that_is_none_is_a_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="which is no folder; make it, or name another"):
        write_plugin("method", "mine", tmp_path / "nowhere")
    (tmp_path / "methods").write_text("mine")
    with pytest.raises(UsageError, match=r"methods is a file, wanted the folder of mine\.py"):
        write_plugin("method", "mine", tmp_path)


def test_an_empty_folder_on_the_path_is_where_the_first_plugin_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHBENCH_PLUGINS", str(tmp_path))
    with pytest.raises(UsageError, match="'itq' is taken"):
        write_plugin("method", "itq", tmp_path)
    assert contents(tmp_path) == []
    write_plugin("method", "mine", tmp_path)
    assert (tmp_path / "methods/mine.py").is_file()
