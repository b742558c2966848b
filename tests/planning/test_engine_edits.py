"""An edit of the engine that changes no behaviour makes nothing stale and extracts nothing anew; a plugin's does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GRID = ("run", "--methods", "itq,tanh_autoencoder", "--preset", "quick", "--bits", "8", "--features", "gist")
RUN = (*GRID, "--limit", "100", "--executor", "inline", "--device", "cpu", "--no-state")


def hashbench(checkout: Path, *words: str) -> str:
    """Output of ``hashbench`` from a checkout, in a process of its own."""
    variables = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "HASHBENCH_CACHE": str(checkout / "cache"),
        "COLUMNS": "200",
    }
    done = subprocess.run(
        [sys.executable, "-m", "hashbench", *words, "--results", str(checkout / "results")],
        capture_output=True,
        text=True,
        cwd=checkout,
        env=variables,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with the records of a small grid."""
    folder = tmp_path_factory.mktemp("checkout")
    for room in ("hashbench", "methods", "datasets"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    hashbench(folder, *RUN)
    return folder


def extracted(checkout: Path) -> dict[Path, int]:
    """The time at which each file of the feature cache was written."""
    files = (file for file in (checkout / "cache/features").rglob("*") if file.is_file())
    return {file: file.stat().st_mtime_ns for file in files}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.slow
def test_comments_renamed_variables_and_moved_files_of_the_engine_make_nothing_stale(checkout: Path) -> None:
    for file in (checkout / "hashbench").rglob("*.py"):
        file.write_text(f"# a comment\n{file.read_text()}")
    edit(checkout / "hashbench/util/seeds.py", "digest = ", "hashed = ")
    edit(checkout / "hashbench/util/seeds.py", "digest[", "hashed[")
    shutil.move(checkout / "hashbench/nets/bit_statistics.py", checkout / "hashbench/nets/statistics_of_bits.py")
    edit(checkout / "hashbench/nets/hash_training.py", "nets.bit_statistics", "nets.statistics_of_bits")
    before = extracted(checkout)
    assert before
    assert "0 of 4 trials to run" in hashbench(checkout, *RUN, "--dry-run")
    hashbench(checkout, *RUN, "--rerun", "all")
    assert extracted(checkout) == before


@pytest.mark.slow
def test_a_changed_method_makes_its_own_records_stale_and_no_others(checkout: Path) -> None:
    file = checkout / "methods/itq.py"
    edit(file, "    def fit(", "    # a comment\n    def fit(")
    assert "0 of 4 trials to run" in hashbench(checkout, *RUN, "--dry-run")
    edit(file, "self.mean_ = principal.mean", "self.mean_ = 1.0 * principal.mean")
    plan = hashbench(checkout, *RUN, "--dry-run")
    assert plan.count("stale: methods/itq.py changed") == plan.count("stale: ") == 1


@pytest.mark.slow
def test_a_raised_version_makes_stale_what_has_the_part(checkout: Path) -> None:
    edit(checkout / "hashbench/nets/__init__.py", "VERSION = 2", "VERSION = 3")
    lines = [line for line in hashbench(checkout, *RUN, "--dry-run").splitlines() if "version of nets" in line]
    assert len(lines) == 1
    assert "tanh_autoencoder" in lines[0]
    assert "stale: version of nets went from 2 to 3" in lines[0]
