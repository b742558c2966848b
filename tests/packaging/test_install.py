"""Packaging: wheel, sdist, editable install and bare checkout find the plugins; nothing is shadowed."""

import importlib.metadata
import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROBE = """
import importlib.util
from hashbench.plugins.registry import DATASETS, METHODS
assert {"bgan", "itq", "lsh"} <= set(METHODS.names()), METHODS.names()
assert {"digits", "cifar10"} <= set(DATASETS.names()), DATASETS.names()
METHODS.get("itq"), DATASETS.get("digits")
print([name for name in ("methods", "datasets") if importlib.util.find_spec(name)])
print(METHODS.file("itq"))
"""

if not (ROOT / "pyproject.toml").exists():
    pytest.skip("the tests of packaging need the checkout", allow_module_level=True)


def build(kind: str, source: Path, out: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(out), str(source)],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl" if kind == "wheel" else "*.tar.gz"))


def probe(python: Path | str, cwd: Path, **environment: str) -> tuple[str, Path]:
    """What a new process outside the checkout finds: importable top-level folders, and the file of itq."""
    done = subprocess.run(
        [str(python), "-P", "-c", PROBE], cwd=cwd, capture_output=True, text=True, env={"PATH": "", **environment}
    )
    assert done.returncode == 0, done.stderr
    shadowed, file = done.stdout.splitlines()
    return shadowed, Path(file)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment that sees this one's third parties, but not hashbench."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    outer = [path for path in sys.path if path.endswith("site-packages")]
    (site / "outer.pth").write_text("".join(f"{path}\n" for path in outer))
    return folder / "bin/python"


def install(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)


@pytest.mark.parametrize("through_sdist", [False, True])
def test_a_wheel_ships_the_plugins_inside_the_package_and_no_top_level_folder(
    tmp_path: Path, python: Path, through_sdist: bool
) -> None:
    source = ROOT
    if through_sdist:
        archive = build("sdist", ROOT, tmp_path / "sdist")
        subprocess.run(["tar", "-xzf", str(archive), "-C", str(tmp_path)], check=True)
        source = next(path for path in tmp_path.glob("hashbench-*") if path.is_dir())
    wheel = build("wheel", source, tmp_path / "wheel")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"hashbench", names[-1].split("/")[0]}
    assert {"hashbench/methods/bgan.py", "hashbench/datasets/cifar10.py", "hashbench/py.typed"} <= set(names)
    data = {"planning/defaults.toml", "records/record.schema.json", "planning/suites/bgan-paper.toml"}
    data |= {"plugins/templates/method.py.txt", "reporting/published/figures.toml"}
    assert {f"hashbench/{name}" for name in data} <= set(names)
    install(wheel, tmp_path / "site")
    shadowed, file = probe(python, tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert shadowed == "[]"
    assert file == tmp_path / "site/hashbench/methods/itq.py"


def test_a_bare_checkout_finds_its_own_folders(tmp_path: Path, python: Path) -> None:
    _, file = probe(python, tmp_path, PYTHONPATH=str(ROOT))
    assert file == ROOT / "methods/itq.py"


def test_an_editable_install_finds_the_checkouts_folders(tmp_path: Path) -> None:
    origin = json.loads(importlib.metadata.distribution("hashbench").read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable") or origin["url"] != ROOT.as_uri():
        pytest.skip("this checkout is not installed with pip install -e here")
    _, file = probe(sys.executable, tmp_path)
    assert file == ROOT / "methods/itq.py"


def test_on_windows_the_import_says_where_it_runs() -> None:
    words = [sys.executable, "-c", "import sys; sys.platform = 'win32'; import hashbench"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ImportError: hashbench runs on Linux, and on Windows in WSL" in done.stderr.splitlines()[-1]
