"""The same codes by ``score``, by the usual script (sort, ties in index order) and by torchmetrics.

All three agree where their definitions do: where no tie holds both relevant and other items. Elsewhere the record's
bounds say how far the others may be off.
"""

from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from torchmetrics.retrieval import RetrievalMAP, RetrievalPrecision, RetrievalRecall

import hashbench as hb
from hashbench.cli.score_text import lines
from hashbench.records.schema import schema

Pairs = tuple[Any, Any]


def distances(codes: Pairs) -> Any:
    query, database = (side * 2.0 - 1 for side in codes)
    return (query.shape[1] - query @ database.T) / 2


def script_map(codes: Pairs, labels: Pairs, k: int | None) -> float:
    """mAP@k with the hits found as denominator; equal distances stay in the order of the database."""
    precisions = []
    for row, own in enumerate(distances(codes)):
        order = np.argsort(own, kind="stable")[:k]
        relevant = (labels[0][row] & labels[1][order]).any(axis=1)
        ranks = np.flatnonzero(relevant) + 1
        precisions.append((np.arange(1, len(ranks) + 1) / ranks).mean() if len(ranks) else 0.0)
    return float(np.mean(precisions))


def by_torchmetrics(metric: Any, codes: Pairs, labels: Pairs) -> float:
    own = distances(codes)
    relevant = (labels[0].astype(int) @ labels[1].T.astype(int)) > 0
    rows = np.repeat(np.arange(len(own)), own.shape[1])
    nearness = codes[0].shape[1] + 1 - own  # it takes scores that are not above 0 as irrelevant
    metric.update(*(torch.tensor(each) for each in (nearness.ravel(), relevant.ravel(), rows)))
    return float(metric.compute())


def distinct() -> tuple[Pairs, Pairs]:
    """1,201 items at 1,201 different distances from each of two queries."""
    rng = np.random.default_rng(0)
    database = np.arange(1200) < rng.permutation(1201)[:, None]
    query = np.repeat([[False], [True]], 1200, axis=1)
    return (query, database), (np.eye(2, dtype=np.bool_), rng.random((1201, 2)) < 0.3)


def pure() -> tuple[Pairs, Pairs]:
    """2,000 items of 16 bits: ties everywhere, but of items that are all relevant or all not, also across rank 1,000.

    Query q has a label of its own, which an item bears or not by its distance from it.
    """
    rng = np.random.default_rng(1)
    codes = rng.random((12, 16)) < 0.5, rng.random((2000, 16)) < 0.5
    bears = rng.random((12, 17)) < 0.4
    bears[:, 7] = True
    return codes, (np.eye(12, dtype=np.bool_), np.take_along_axis(bears, distances(codes).astype(int), axis=1).T)


def mixed() -> tuple[Pairs, Pairs]:
    """Ties of relevant and other items, in a database that is sorted by class."""
    rng = np.random.default_rng(2)
    centres = rng.random((5, 12)) < 0.5
    of = [np.sort(rng.integers(0, 5, n)) for n in (20, 1500)]
    codes = [centres[own] ^ (rng.random((len(own), 12)) < 0.3) for own in of]
    return (codes[0], codes[1]), (np.eye(5, dtype=np.bool_)[of[0]], np.eye(5, dtype=np.bool_)[of[1]])


@pytest.fixture(autouse=True)
def no_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take long."""
    monkeypatch.setattr("hashbench.external.api.write_reports", lambda _folder: [])


def scored(codes: Pairs, labels: Pairs, folder: Path) -> dict[str, Any]:
    arrays = dict(zip(("query_codes", "database_codes"), codes, strict=True))
    arrays |= dict(zip(("query_labels", "database_labels"), labels, strict=True))
    record = hb.score(arrays, name="mine", results=folder, device="cpu")
    jsonschema.validate(record, schema("record"))
    return record


@pytest.mark.parametrize("make", [distinct, pure])
def test_where_no_tie_matters_all_three_agree(make: Any, tmp_path: Path) -> None:
    codes, labels = make()
    record = scored(codes, labels, tmp_path)
    metrics = record["metrics"]
    for name, k in (("map@1000", 1000), ("map@all", None)):
        wanted = script_map(codes, labels, k)
        assert metrics[name] == pytest.approx(wanted, abs=1e-12)
        assert by_torchmetrics(RetrievalMAP(top_k=k), codes, labels) == pytest.approx(wanted, abs=1e-6)
        assert metrics[f"{name}/worst"] == pytest.approx(metrics[f"{name}/best"], abs=1e-12)
    for name, kind, k in (("precision@100", RetrievalPrecision, 100), ("recall@1000", RetrievalRecall, 1000)):
        assert metrics[name] == pytest.approx(by_torchmetrics(kind(top_k=k), codes, labels), abs=1e-6)
    assert "mAP@1000 is the same in every order of them" in "\n".join(lines(record))


def test_where_ties_matter_the_report_says_how_far_others_may_be_off(tmp_path: Path) -> None:
    codes, labels = mixed()
    record = scored(codes, labels, tmp_path)
    metrics = record["metrics"]
    for name, k in (("map@1000", 1000), ("map@all", None)):
        others = script_map(codes, labels, k), by_torchmetrics(RetrievalMAP(top_k=k), codes, labels)
        for other in others:
            assert metrics[f"{name}/worst"] - 1e-6 <= other <= metrics[f"{name}/best"] + 1e-6
        assert abs(others[0] - metrics[name]) > 0.002
    sentence = f"other tie orders give mAP@1000 {metrics['map@1000/worst']:.3f} to {metrics['map@1000/best']:.3f}"
    assert sentence in "\n".join(lines(record))
