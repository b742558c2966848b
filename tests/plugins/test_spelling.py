"""Names of methods as text, against how their papers print them."""

from pathlib import Path

import pytest

from hashbench.plugins.registry import METHODS
from hashbench.plugins.spelling import spellings
from hashbench.reporting.display_names import display_name

PRINTED = {
    *("AGH", "BGAN", "CBE", "DSH", "IMH", "IsoHash", "ITQ", "ITQ-CCA", "KMH", "LSH", "PCA-RR", "PCAH", "RaBitQ"),
    *("SGH", "Sign", "SKLSH", "Spectral", "Spherical", "Rotated sign", "BiHalf autoencoder", "STE autoencoder"),
    *("Stochastic autoencoder", "Tanh autoencoder"),
}


def test_every_method_that_ships_is_printed_as_in_papers() -> None:
    names = METHODS.names()
    texts = spellings(names)
    assert {display_name(name, texts) for name in names} == PRINTED


def test_names_of_no_method_and_of_a_broken_one_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/no_import.py").write_text("raise OSError")
    monkeypatch.setenv("HASHBENCH_PLUGINS", str(tmp_path))
    monkeypatch.setattr("hashbench.methods.__path__", [str(tmp_path / "methods")])
    assert "no_import" in METHODS.names()
    assert spellings(["no_import", "theirs", "lsh"]) == {}
