"""What HASHBENCH_PLUGINS may name, and what is wrong with a plugin, is said where plugins are listed."""

import importlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from hashbench import methods
from hashbench.errors import UsageError
from hashbench.planning.chosen import chosen_methods
from hashbench.planning.grid import Grid
from hashbench.plugins.plugin_path import check_roots, plugin_folders
from hashbench.plugins.registry import METHODS
from tests.command import hashbench

SOURCE = (Path(__file__).parents[1] / "plugin_root/methods/first_pixels.py").read_text()


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A plugin root with one method, ``mine``."""
    (tmp_path / "lab/methods").mkdir(parents=True)
    (tmp_path / "lab/methods/mine.py").write_text(SOURCE)
    (tmp_path / "empty").mkdir()
    return tmp_path / "lab"


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ("lab/methods", "'{}/lab/methods', which is itself the folder of plugins; name '{}/lab', around it"),
        ("lab/methods/mine.py", "'{}/lab/methods/mine.py', which is a file; name '{}/lab', whose methods/*.py are"),
        ("nowhere", "'{}/nowhere', which is not there; make it, name the right folder, or unset the variable"),
        ("empty", "'{}/empty', which has neither methods/ nor datasets/ inside; put plugins there, as *.py"),
    ],
)
def test_a_root_that_has_no_plugins_is_refused_in_one_line(
    lab: Path, monkeypatch: pytest.MonkeyPatch, named: str, complaint: str
) -> None:
    top = lab.parent
    monkeypatch.setenv("HASHBENCH_PLUGINS", f"{lab}:{top / named}")
    line = f"HASHBENCH_PLUGINS names {complaint.replace('{}', str(top))}"
    with pytest.raises(UsageError) as refused:
        check_roots()
    assert str(refused.value).startswith(line)
    with pytest.raises(UsageError, match="HASHBENCH_PLUGINS names"):
        METHODS.names()


def test_a_root_that_is_named_twice_or_is_the_clone_itself_counts_once(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = lab.parent / "clone"
    (clone / "methods").mkdir(parents=True)
    (lab.parent / "link").symlink_to(lab)
    monkeypatch.setenv("HASHBENCH_PLUGINS", f"{clone}:{lab}:{lab}/:{lab.parent / 'link'}")
    folders = plugin_folders(str(clone / "hashbench/methods/__init__.py"), "methods")
    assert folders == [str(clone / "methods"), str(lab / "methods")]


@pytest.mark.parametrize("words", [("list",), ("run", "--methods", "itq", "--bits", "8"), ("show", "itq")])
def test_verbs_that_look_for_plugins_say_so(lab: Path, words: tuple[str, ...]) -> None:
    done = hashbench(*words, cwd=lab.parent, HASHBENCH_PLUGINS=str(lab / "methods"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hashbench: HASHBENCH_PLUGINS names ")
    assert done.stderr.count("\n") == 1


def test_what_would_fail_later_does_not_look_healthy_in_a_list(lab: Path) -> None:
    untyped = SOURCE.replace(
        "    def fit(",
        "    def __init__(self, bits: int, depth=3) -> None:\n        self.bits = bits\n\n    def fit(",
        1,
    )
    (lab / "methods/untyped.py").write_text(untyped)
    quiet = "\n".join(line for line in SOURCE.splitlines() if '"""Thresholds' not in line)
    (lab / "methods/quiet.py").write_text(quiet)
    listed = with_lab(lab, "list")
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert "BROKEN: method 'untyped'" in lines["untyped"]
    assert "methods/untyped.py): parameter 'depth' of FirstPixels needs a type and a default" in lines["untyped"]
    assert "(its class has no docstring, whose first line would stand here)" in lines["quiet"]
    assert "BROKEN" not in lines["mine"] + lines["quiet"]
    rows = {row["name"]: row for row in json.loads(with_lab(lab, "list", "--json").stdout)}
    assert rows["quiet"]["summary"] == ""
    assert "needs a type and a default" in rows["untyped"]["error"]
    planned = with_lab(lab, "run", "--methods", "*", "--bits", "8", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "left out: method 'untyped'" in planned.stderr
    assert "hashing method" not in with_lab(lab, "show", "quiet").stdout


def test_a_method_called_like_a_reference_trial_is_not_run_as_that(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = lab / "methods/reference-float.py"
    named.write_text(SOURCE)
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(lab / "methods")])
    line = f"^{re.escape(str(named))} has the name of a reference trial, 'reference-float'; rename it$"
    with pytest.raises(UsageError, match=line):
        chosen_methods(Grid(methods=("reference-float",), bits=(8,)), {})
    notes: dict[str, None] = {}
    assert not chosen_methods(Grid(methods=("reference-*",), bits=(8,)), notes)
    assert list(notes) == [f"left out: {named} has the name of a reference trial, 'reference-float'; rename it"]


def with_lab(lab: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return hashbench(*words, cwd=lab.parent, HASHBENCH_PLUGINS=str(lab))


def test_incompatible_is_imported_from_the_module_whose_contract_names_it() -> None:
    module = importlib.import_module("hashbench.method")
    assert "Incompatible" in (module.HashMethod.fit.__doc__ or "")
    assert module.Incompatible is importlib.import_module("hashbench").Incompatible


def test_a_failure_says_where_its_traceback_is(tmp_path: Path) -> None:
    done = hashbench("run", "--methods", "raises", "--bits", "8", "--results", "out", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("[3/3] raises")]
    log = line.partition("failed: nothing to divide by (log: ")[2].partition(")")[0]
    assert "ZeroDivisionError: nothing to divide by" in (tmp_path / log).read_text()
    (last,) = [line for line in done.stderr.splitlines() if "1 of 3 trials failed; " in line]
    command = last.partition("failed; hashbench ")[2].partition(" has the end")[0]
    assert "ZeroDivisionError" in hashbench(*command.split(), cwd=tmp_path).stdout
    inline = hashbench(
        *("run", "--methods", "raises", "--bits", "8", "--results", "in", "--executor", "inline"), cwd=tmp_path
    )
    assert "failed: nothing to divide by (traceback above)" in inline.stderr
    assert "Traceback (most recent call last)" in inline.stderr
