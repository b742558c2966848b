"""``hashbench run`` prints its table whatever the encoding of its output."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import environment, hashbench

WORDS = ("run", "--methods", "lsh,itq", "--bits", "8", "--repeats", "2", "--results", "r", "--executor", "inline")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the trials have been run, with a name that needs more than ASCII."""
    folder = tmp_path_factory.mktemp("Käfer→")
    assert hashbench(*WORDS, cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_run_prints_its_table_in_any_encoding(folder: Path, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hashbench", *WORDS],
        cwd=folder,
        env=environment(folder / "cache", PYTHONIOENCODING=encoding),
        capture_output=True,
        encoding=encoding,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "mAP@1000 on digits/holdout-200" in done.stdout
    assert "reference-float" in done.stdout
    assert "All records of r/" in done.stdout
