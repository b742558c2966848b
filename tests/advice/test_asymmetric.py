"""Ranking by real queries against bits, and a plain sort."""

import numpy as np
import pytest
import torch

from hashbench.advice import asymmetric
from hashbench.advice.asymmetric import LookupScan, asymmetric_places
from hashbench.codes import Codes
from hashbench.evaluation.nearest import nearest_neighbours


@pytest.mark.parametrize(("ranks", "block"), [(300, 1 << 26), (300, 700), (40, 1 << 26)])
def test_places_are_those_of_a_plain_sort(ranks: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asymmetric, "BLOCK_SCORES", block)
    monkeypatch.setattr(asymmetric, "BLOCK_SIGNS", 500)
    rng = np.random.default_rng(0)
    queries, rows = (rng.integers(-2, 3, (n, 5)).astype(np.float32) for n in (7, 300))
    neighbours = nearest_neighbours(queries, rows, "l2", 10)
    bits, projected = rng.random((300, 5)) > 0.5, rng.integers(-2, 3, (7, 5)).astype(np.float32)
    places = asymmetric_places(neighbours, torch.from_numpy(projected), Codes.pack(bits), ranks)
    scores = projected @ (2 * bits.astype(np.float32) - 1).T
    for place, (query, row) in enumerate(zip(neighbours.owners, neighbours.rows, strict=True)):
        before = int((scores[query] > scores[query, row]).sum())
        if before < ranks:
            assert places.before[place] == before
            assert places.tied[place] == (scores[query] == scores[query, row]).sum()
        else:
            assert places.before[place] == ranks


@pytest.mark.parametrize("bits", [5, 16, 21])
def test_lookup_finds_the_highest_scores(bits: int) -> None:
    rng = np.random.default_rng(bits)
    codes, query = rng.random((200, bits)) > 0.5, rng.standard_normal(bits).astype(np.float32)
    scan = LookupScan(Codes.pack(codes))
    scores = (2 * codes.astype(np.float32) - 1) @ query
    found = scan.search(query, 20)
    assert np.allclose(np.sort(scores[found]), np.sort(scores)[-20:], atol=1e-5)
    assert sorted(scan.search(query, 500)) == list(range(200))
