"""``hashbench run`` prints its table whatever the encoding of its output."""

from pathlib import Path

import pytest

from tests.command import encoded, hashbench

WORDS = ("run", "--methods", "lsh", "--bits", "8", "--repeats", "2", "--results", "r", "--executor", "inline")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the trials have been run, with a name that needs more than ASCII."""
    folder = tmp_path_factory.mktemp("Käfer→")
    assert hashbench(*WORDS, cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_run_prints_its_table_in_any_encoding(folder: Path, encoding: str) -> None:
    done = encoded(*WORDS, cwd=folder, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.decode(encoding)
    assert "mAP@1000 on digits/holdout-200" in printed
    assert "reference-float" in printed
    assert "All records of r/" in printed
