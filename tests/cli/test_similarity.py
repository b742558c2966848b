"""Pairs that a method took as similar, against labels it did not see: from ``run`` to ``show``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import jsonschema
import pytest
import torch

from hashbench.data.spec import open_dataset
from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from hashbench.records.schema import schema
from tests.cli.conftest import Done

RUN = ("run", "--methods", "lsh", "--bits", "8", "--limit", "50", "--executor", "inline", "--device", "cpu")


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The pairs that lsh logs: each training item is similar to the one before it."""
    lsh: Any = METHODS.get("lsh")
    fit = lsh.fit
    pairs = [(item, item - 1) for item in range(1, 50)]

    def talkative(self: Any, train: TrainingSet, run: RunContext) -> Self:  # type: ignore[misc]
        run.log_positive_pairs(*torch.tensor(pairs).T)
        return fit(self, train, run)

    monkeypatch.setattr(lsh, "fit", talkative)
    return pairs


def record_of(folder: Path, method: str) -> dict[str, Any]:
    (file,) = (folder / "results/records").glob(f"*-{method}-*.json")
    record: dict[str, Any] = json.loads(file.read_text())
    return record


def test_the_record_says_how_many_pairs_are_right(
    call: Callable[..., Done], pairs: list[tuple[int, int]], tmp_path: Path
) -> None:
    assert call(*RUN).code == 0
    digits = open_dataset("digits", Path())
    classes = digits.labels()[digits.split().train[:50]].argmax(1)
    right = sum(classes[row] == classes[column] for row, column in pairs)
    relevant = sum((classes == one).sum() - 1 for one in classes)
    record = record_of(tmp_path, "lsh")
    jsonschema.validate(record, schema("record"))
    assert record["training"]["similarity"] == pytest.approx(
        {"per_item": 49 / 50, "precision": right / 49, "coverage": right / relevant, "chance": relevant / (50 * 49)}
    )
    assert 0 < right < 49, "the pairs say something"
    assert record["seconds"]["similarity"] > 0


def test_show_prints_it(call: Callable[..., Done], pairs: list[tuple[int, int]], tmp_path: Path) -> None:
    call(*RUN)
    record = record_of(tmp_path, "lsh")
    shown = call("show", record["key"]).out
    similarity = record["training"]["similarity"]
    assert "  similarity:\n" + "".join(f"    {name}: {value}\n" for name, value in similarity.items()) in shown


def test_who_says_nothing_has_none(call: Callable[..., Done], tmp_path: Path) -> None:
    call(*RUN)
    record = record_of(tmp_path, "lsh")
    assert record["training"]["similarity"] is None
    assert "similarity" not in record["seconds"]


def test_pairs_that_are_none_fail_the_trial_with_their_reason(
    call: Callable[..., Done], pairs: list[tuple[int, int]], tmp_path: Path
) -> None:
    pairs[:] = [(0, 0)]
    assert call(*RUN).code == 1
    error = record_of(tmp_path, "lsh")["error"]
    assert (error["phase"], error["message"][:5]) == ("similarity", "pairs")
