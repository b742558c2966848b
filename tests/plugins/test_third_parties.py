"""Methods of other people: in a wheel, in a folder on HASHBENCH_PLUGINS, and as a file dropped into methods/."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import environment

ROOT = Path(__file__).parents[2]
SOURCE = (Path(__file__).parents[1] / "plugin_root/methods/first_pixels.py").read_text()
LIST = """
from click.testing import CliRunner
from hashbench.cli.listing import command

for words in (["methods", "--json"], ["methods"]):
    print(CliRunner().invoke(command, words).stdout, end="\\f")

import numpy as np
import hashbench as hb

x = np.random.default_rng(0).normal(size=(20, 9))
print([hb.hasher(name, bits=8).fit(x).encode(x).shape for name in ("from_wheel", "from_folder", "dropped")])
"""
RUN = """
import hashbench as hb

names = ["from_wheel", "from_folder"]
done = hb.run(methods=names, bits=[8], executor="inline", results="results", device="cpu", progress=False)
print([record["status"] for record in done.records if record["trial"]["method"] in names])
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout, an installed wheel and a plugin root, with a method each, two of one name, and a broken one."""
    place = tmp_path_factory.mktemp("third")
    for room in ("hashbench", "methods", "datasets"):
        shutil.copytree(ROOT / room, place / "checkout" / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", place / "checkout")
    write(place / "checkout/methods/dropped.py", SOURCE)
    write(place / "root/methods/from_folder.py", SOURCE)
    write(place / "root/methods/twice.py", SOURCE)
    write(place / "root/methods/broken.py", SOURCE.replace("def fit(self", "def fit(self:"))
    install_wheel(place / "site")
    return place


def install_wheel(site: Path) -> None:
    """What pip leaves of a wheel: the package, and its metadata with entry points."""
    write(site / "theirs/__init__.py", "")
    write(site / "theirs/hashing.py", SOURCE)
    write(site / "theirs-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    entries = "from_wheel = theirs.hashing:FirstPixels\ntwice = theirs.hashing:FirstPixels\n"
    write(site / "theirs-1.0.dist-info/entry_points.txt", f"[hashbench.methods]\n{entries}")
    write(site / "theirs-1.0.dist-info/RECORD", "theirs/__init__.py,,\ntheirs/hashing.py,,\n")


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def python(place: Path, checkout: Path, code: str) -> str:
    paths = f"{checkout}:{place / 'site'}"
    own = environment(place / "cache", PYTHONPATH=paths, HASHBENCH_PLUGINS=str(place / "root"))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=place, env=own, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_they_are_listed_with_their_origin_and_encode_and_a_faulty_one_disturbs_nobody(place: Path) -> None:
    as_json, as_text, shapes = python(place, place / "checkout", LIST).split("\f")
    assert shapes.strip() == str([(20, 8)] * 3)
    rows: dict[str, Any] = {row["name"]: row for row in json.loads(as_json)}
    lines = {line.split()[0]: line for line in as_text.splitlines()}
    files = {"from_wheel": "site/theirs/hashing.py", "from_folder": "root/methods/from_folder.py"}
    for name, file in files.items():
        assert rows[name]["origin"] == f"{place / file}:10"
        assert lines[name].endswith(f"[{place / file}:10]")
    assert rows["dropped"]["origin"] == f"{place / 'checkout/methods/dropped.py'}:10"
    assert not lines["itq"].endswith("]")
    assert lines["twice"].split("BROKEN: ")[1] == (
        f"method 'twice' is there more than once: {place / 'root/methods/twice.py'}, "
        f"{place / 'site/theirs/hashing.py'} (theirs.hashing:FirstPixels); rename one"
    )
    assert f"method 'broken' ({place / 'root/methods/broken.py'}) does not import: SyntaxError" in lines["broken"]
    assert {"itq", "lsh", "bgan"} <= rows.keys()


@pytest.mark.slow
def test_they_run(place: Path) -> None:
    assert python(place, ROOT, RUN).splitlines()[-1] == "['ok', 'ok']"
