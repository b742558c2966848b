"""Plugins that raise SystemExit: broken plugins and failed trials like others, never the silent end of a command."""

import importlib.metadata
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hashbench as hb
from hashbench import datasets, methods
from hashbench.errors import UsageError
from hashbench.plugins import registry
from hashbench.plugins.registry import DATASETS, METHODS
from tests.cli.conftest import Done, call
from tests.command import PLUGINS, hashbench

__all__ = ["call"]

Call = Callable[..., Done]
Plugins = Callable[[str, str, str], object]
METHOD = (PLUGINS / "methods/first_pixels.py").read_text()
DATASET = """
from hashbench.datasets.digits import Digits

class Quits(Digits):
    {decorator}
    def {name}(*given, **named):
        raise SystemExit(0)
"""
EXITS = {
    "SystemExit: 0": "raise SystemExit(0)",
    "SystemExit": "import sys; sys.exit()",
    "GeneratorExit": "raise GeneratorExit",
}


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugins]:
    """``plugins("methods", "quits", source)`` adds a plugin."""
    before = set(sys.modules)
    for package in (methods, datasets):
        folder = tmp_path / "plugins" / package.__name__.rpartition(".")[2]
        folder.mkdir(parents=True)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    yield lambda room, name, source: (tmp_path / f"plugins/{room}/{name}.py").write_text(source)
    for name in set(sys.modules) - before:
        if ".quits" in name:
            del sys.modules[name]


def method_that_exits(name: str) -> str:
    """A method that works but for its function ``name``."""
    signature = "self, bits: int" if name == "__init__" else "self, *given, **named"
    return METHOD + f"\n    def {name}({signature}):\n        raise SystemExit(0)\n"


@pytest.mark.parametrize("room", ["methods", "datasets"])
@pytest.mark.parametrize("words", EXITS)
def test_a_plugin_that_exits_does_not_import(plugins: Plugins, room: str, words: str) -> None:
    plugins(room, "quits", EXITS[words])
    with pytest.raises(UsageError) as refused:
        METHODS.get("quits") if room == "methods" else DATASETS.get("quits")
    assert str(refused.value).endswith(f"quits.py) does not import: {words}")


def test_ctrl_c_while_a_plugin_is_imported_is_ctrl_c(plugins: Plugins) -> None:
    plugins("methods", "quits", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        METHODS.get("quits")


def test_an_entry_point_that_exits_does_not_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_wheel_that_quits.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    entry = importlib.metadata.EntryPoint("quits", "a_wheel_that_quits:Quits", METHODS.package)
    entries = importlib.metadata.EntryPoints([entry])
    monkeypatch.setattr(registry, "_entry_points", lambda group: entries.select(group=group))
    with pytest.raises(UsageError, match=r"quits:Quits\)\) does not import: SystemExit: 0"):
        METHODS.get("quits")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--methods", "quits", "--bits", "8"),
        ("run", "--methods", "lsh,quits", "--bits", "8", "--dry-run"),
        ("run", "--methods", "lsh", "--bits", "8", "--datasets", "quits"),
        ("data", "verify", "quits"),
        ("show", "quits"),
    ],
)
def test_who_is_named_and_exits_gets_a_line_and_exit_code_2(
    call: Call, plugins: Plugins, words: tuple[str, ...]
) -> None:
    plugins("datasets" if {"--datasets", "data"} & set(words) else "methods", "quits", "raise SystemExit(0)")
    done = call(*words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "quits.py) does not import: SystemExit: 0" in done.err
    assert not Path("results").exists()


def test_who_exits_is_left_out_of_globs_and_listed_with_its_error(call: Call, plugins: Plugins) -> None:
    plugins("methods", "quits", "raise SystemExit(0)")
    plugins("datasets", "quits", "raise SystemExit(0)")
    for kind, other in (("methods", "itq"), ("datasets", "digits")):
        rows = {row["name"]: row for row in json.loads(call("list", kind, "--json").out)}
        assert rows["quits"]["error"].endswith("does not import: SystemExit: 0")
        assert "error" not in rows[other]
    assert "quits: data set 'quits'" in call("data", "list").out
    done = call("run", "--methods", "?[ustc][ichb]*", "--bits", "8", "--dry-run", "--datasets", "[dq]*s")
    lines = sorted(line for line in done.err.splitlines() if line.startswith("left out: "))
    assert (done.code, len(lines)) == (0, 2)
    assert lines[0].startswith("left out: data set 'quits'")
    assert lines[1].startswith("left out: method 'quits'")


@pytest.mark.parametrize("function", ["__init__", "backbones", "resolve"])
def test_a_method_that_exits_while_its_trials_are_planned_gets_a_line(
    call: Call, plugins: Plugins, function: str
) -> None:
    plugins("methods", "quits", method_that_exits(function))
    with pytest.raises(UsageError, match="quits at 8 bits: SystemExit: 0"):
        hb.run(methods="quits", bits=8)
    done = call("run", "--methods", "quits", "--bits", "8")
    assert (done.code, done.err) == (2, "hashbench: quits at 8 bits: SystemExit: 0\n")


@pytest.mark.parametrize(
    ("function", "spec"),
    [
        ("described_by", "quits:set.toml"),
        ("__init__", "quits"),
        ("require", "quits"),
        ("labels", "quits"),
        ("split", "quits"),
        ("content", "quits"),
    ],
)
def test_a_data_set_that_exits_gets_a_line(call: Call, plugins: Plugins, function: str, spec: str) -> None:
    decorator = "@classmethod" if function == "described_by" else ""
    plugins("datasets", "quits", DATASET.format(name=function, decorator=decorator))
    with pytest.raises(UsageError, match=r"data set 'quits.*': SystemExit: 0"):
        hb.run(methods="lsh", bits=8, datasets=spec)
    done = call("run", "--methods", "lsh", "--bits", "8", "--datasets", spec)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_whatever_else_exits_is_named_with_its_line(call: Call, plugins: Plugins, tmp_path: Path) -> None:
    plugins("datasets", "quits", DATASET.format(name="prepare", decorator=""))
    done = call("data", "prepare", "quits")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert f"{tmp_path}/plugins/datasets/quits.py:7 ended the program: SystemExit: 0" in done.err


@pytest.mark.parametrize("executor", ["inline", "local"])
def test_a_trial_that_exits_fails_and_the_grid_goes_on(tmp_path: Path, executor: str) -> None:
    (tmp_path / "methods").mkdir()
    for function in ("fit", "encode", "state"):
        (tmp_path / f"methods/quits_{function}.py").write_text(method_that_exits(function))
    names = "quits_fit,quits_encode,quits_state,lsh"
    words = ("--methods", names, "--bits", "8", "--executor", executor, "--device", "cpu", "--no-rates")
    done = hashbench("run", *words, cwd=tmp_path, HASHBENCH_PLUGINS=str(tmp_path))
    assert done.returncode == 1
    records = [json.loads(file.read_text()) for file in (tmp_path / "results/records").glob("*.json")]
    errors = {record["trial"]["method"]: record["error"] for record in records}
    assert len(errors) == 6
    assert errors.pop("lsh") is errors.pop("reference-random") is errors.pop("reference-float") is None
    for name, error in errors.items():
        assert error["phase"] == name.removeprefix("quits_")
        assert (error["exception"], error["message"]) == ("SystemExit", "SystemExit: 0")
        assert "raise SystemExit(0)" in "".join(error["log"])
        assert f"{name} 8 bits" in done.stdout


def test_a_method_that_exits_while_its_rates_are_measured_keeps_its_record(tmp_path: Path) -> None:
    (tmp_path / "methods").mkdir()
    measured = "any(frame.name == 'measure' for frame in traceback.extract_stack())"
    lines = f"import traceback\n        if {measured}: raise SystemExit(0)\n        return batch"
    source = METHOD.replace("return batch", lines)
    (tmp_path / "methods/quits.py").write_text(source)
    words = ("--methods", "quits", "--bits", "8", "--executor", "inline", "--device", "cpu")
    done = hashbench("run", *words, cwd=tmp_path, HASHBENCH_PLUGINS=str(tmp_path))
    assert (done.returncode, "digits/holdout-200, pixels: SystemExit: 0" in done.stderr) == (0, True), done.stderr


def test_a_state_that_makes_a_method_exit_does_not_load(call: Call, plugins: Plugins) -> None:
    plugins("methods", "quits", method_that_exits("load_state"))
    assert call("run", "--methods", "quits", "--bits", "8", "--executor", "inline", "--device", "cpu").code == 0
    done = call("measure", "--device", "cpu")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "does not load into quits (SystemExit: 0)" in done.err
