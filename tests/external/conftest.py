"""Scores codes into a folder of the test's."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

import hashbench as hb
from hashbench.records.results import results
from hashbench.records.schema import schema
from hashbench.records.store import Record
from tests.external.scoring import Arrays, Score

VALIDATOR = jsonschema.Draft202012Validator(schema("record"))  # jsonschema.validate checks the schema each time


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    """``hb.score`` into ``tmp_path / "results"`` on the CPU; its record is held against the schema."""
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("hashbench.external.api.write_reports", lambda _folder: [])  # figures take long

    def into_results(arrays: Arrays, name: str = "mine", **options: Any) -> Record:
        record = hb.score(arrays, name=name, results=tmp_path / "results", device="cpu", **options)
        for each in results(tmp_path / "results").records:
            VALIDATOR.validate(each)
        return record

    return into_results
