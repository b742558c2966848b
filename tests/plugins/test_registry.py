"""The registry: names without imports, lazy classes, origins, clear errors."""

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hashbench.errors import UsageError
from hashbench.method import HashMethod
from hashbench.plugins.registry import DATASETS, METHODS, _module_names
from tests.command import environment, hashbench


def test_every_method_of_the_checkout_is_listed_and_loads() -> None:
    assert {"lsh", "pcah", "itq", "spectral", "tanh_autoencoder", "ste_autoencoder", "bgan"} <= set(METHODS.names())
    for name in METHODS.names():
        assert issubclass(METHODS.get(name), HashMethod)


def test_listing_imports_no_plugin() -> None:
    code = (
        "import sys; from hashbench.plugins.registry import METHODS; METHODS.names();"
        "print([m for m in sys.modules if m.startswith('hashbench.methods.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no method named 'iqt'; did you mean 'itq'"):
        METHODS.get("iqt")
    with pytest.raises(UsageError, match="no data set named 'digit'; did you mean 'digits'"):
        DATASETS.match("digit")


def test_a_glob_matches_several_names() -> None:
    assert METHODS.match("*h_autoencoder") == ["tanh_autoencoder"]
    assert {"ste_autoencoder", "tanh_autoencoder"} < set(METHODS.match("*autoencoder"))


def test_origin_names_file_and_line() -> None:
    file, _, line = METHODS.origin("lsh").rpartition(":")
    assert Path(file).name == "lsh.py"
    assert "class " in Path(file).read_text().splitlines()[int(line) - 1]


def test_a_plugin_root_adds_methods_and_a_broken_one_hides_nobody(tmp_path: Path) -> None:
    done = hashbench("list", "methods", "--json", cwd=tmp_path)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0
    assert rows["first_pixels"]["origin"].endswith("first_pixels.py:10")
    assert "a_module_that_nobody_has" in rows["broken"]["error"]
    assert {"itq", "bgan"} <= set(rows)


def test_a_name_that_is_there_twice_is_an_error_that_names_both(tmp_path: Path) -> None:
    twin = tmp_path / "methods"
    twin.mkdir()
    (twin / "itq.py").write_text((METHODS.file("itq")).read_text())
    code = "from hashbench.plugins.registry import METHODS; METHODS.get('itq')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path, HASHBENCH_PLUGINS=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "there more than once" in done.stderr
    assert str(twin / "itq.py") in done.stderr
    assert str(METHODS.file("itq")) in done.stderr
    assert done.stderr.rstrip().endswith("; rename one")


def test_a_clone_beside_an_installed_hashbench_is_told_from_names_that_are_taken(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    for file in ("methods/itq.py", "hashbench/plugins/plugin_path.py"):
        (clone / file).parent.mkdir(parents=True)
        (clone / file).write_text("")
    done = hashbench("show", "itq", cwd=tmp_path, HASHBENCH_PLUGINS=str(clone))
    assert done.returncode == 2
    assert done.stderr.rstrip().endswith(f"rename one, or take {clone} off HASHBENCH_PLUGINS and pip install -e it")
    made = hashbench("new", "method", "mine", "--into", "clone", cwd=tmp_path)
    assert "next:\n  pip install -e clone\n  pytest clone/tests/methods/test_mine.py\n" in made.stdout
    (clone / "hashbench/plugins/plugin_path.py").unlink()
    made = hashbench("new", "method", "other", "--into", "clone", cwd=tmp_path)
    assert f"next:\n  export HASHBENCH_PLUGINS={clone}\n" in made.stdout


def test_a_broken_plugin_is_left_out_of_a_glob_with_a_line_and_hides_nobody(tmp_path: Path) -> None:
    done = hashbench("run", "--methods", "*", "--bits", "8", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0
    assert "left out: method 'broken'" in done.stderr
    assert all(f"run   {name} 8 bits" in done.stdout for name in ("itq", "bgan", "first_pixels"))


def test_a_plugin_that_lacks_its_traits_is_broken_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "methods").mkdir()
    source = (Path(__file__).parents[1] / "plugin_root/methods/first_pixels.py").read_text()
    (tmp_path / "methods/flaky.py").write_text(source.replace("    traits = Traits(deterministic=True)\n", ""))
    done = hashbench("list", "methods", cwd=tmp_path, HASHBENCH_PLUGINS=str(tmp_path))
    assert done.returncode == 0
    assert "FirstPixels does not declare traits" in done.stdout


def test_a_method_of_20_lines_runs_without_touching_the_engine(tmp_path: Path) -> None:
    assert len((Path(__file__).parents[1] / "plugin_root/methods/first_pixels.py").read_text().splitlines()) <= 22
    done = hashbench("run", "--methods", "first_pixels", "--bits", "24", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "first_pixels" in done.stdout
    assert len(list((tmp_path / "results/records").glob("digits-holdout_200-first_pixels-24-0-*.json"))) == 1


def test_a_folder_is_listed_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    modules = pkgutil.iter_modules

    def watched(folders: list[str]) -> Any:
        listed.extend(folders)
        return modules(folders)

    monkeypatch.setattr("hashbench.plugins.registry.pkgutil.iter_modules", watched)
    (tmp_path / "one.py").touch()
    assert _module_names(tmp_path) == ("one",)
    (tmp_path / "two.py").touch()
    assert _module_names(tmp_path) == ("one", "two"), "a change in the same tick of the clock is seen"
    os.utime(tmp_path, (1e9, 1e9))
    listed.clear()
    assert [_module_names(tmp_path) for _ in range(3)] == [("one", "two")] * 3
    assert listed == [str(tmp_path)]
    (tmp_path / "three.py").touch()
    assert _module_names(tmp_path) == ("one", "three", "two")
    assert _module_names(tmp_path / "there is none") == ()
