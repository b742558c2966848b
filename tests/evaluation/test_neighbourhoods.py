"""Pairs against labels: counted one by one."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hashbench.evaluation import neighbourhoods
from hashbench.evaluation.neighbourhoods import neighbourhood_quality
from tests.evaluation.peak_memory import multi_hot, watched

N = 60


def counted(pairs: list[tuple[int, int]], labels: npt.NDArray[np.bool_]) -> dict[str, float | None]:
    sets = [set(np.flatnonzero(row)) for row in labels]
    relevant = {(i, j) for i in range(len(sets)) for j in range(len(sets)) if i != j and sets[i] & sets[j]}
    right = sum(pair in relevant for pair in pairs)
    return {
        "per_item": len(pairs) / len(sets),
        "precision": right / len(pairs) if pairs else None,
        "coverage": right / len(relevant) if relevant else None,
        "chance": len(relevant) / (len(sets) * (len(sets) - 1)) if len(sets) > 1 else None,
    }


def quality(pairs: list[tuple[int, int]], labels: npt.NDArray[np.bool_]) -> dict[str, float | None]:
    rows, columns = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T
    return neighbourhood_quality(rows, columns, labels)


def some_pairs(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n) for j in range(n) if i != j and rng.random() < 0.2]


@pytest.mark.parametrize("small_blocks", [False, True])
@pytest.mark.parametrize("classes", [1, 3, 8, 64, 65, 81])
def test_every_pair_is_counted(classes: int, small_blocks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if small_blocks:
        monkeypatch.setattr(neighbourhoods, "BLOCK_PAIRS", 37)
        monkeypatch.setattr(neighbourhoods, "BLOCK_CELLS", 100)
    rng = np.random.default_rng(classes)
    labels = rng.random((N, classes)) < 1.2 / classes
    pairs = some_pairs(N, rng)
    assert quality(pairs, labels) == pytest.approx(counted(pairs, labels), abs=1e-12)


def test_perfect_pairs_and_none() -> None:
    labels = np.eye(3, dtype=np.bool_)[[0, 0, 1, 1, 2]]
    result = quality([(0, 1), (1, 0), (2, 3), (3, 2)], labels)
    assert result == {"per_item": 0.8, "precision": 1.0, "coverage": 1.0, "chance": 0.2}
    assert quality([], labels) == {"per_item": 0.0, "precision": None, "coverage": 0.0, "chance": 0.2}


def test_an_item_without_labels_is_relevant_to_nobody() -> None:
    labels = np.array([[True], [False], [False], [True]])
    assert quality([(1, 2), (0, 3)], labels) == {"per_item": 0.5, "precision": 0.5, "coverage": 0.5, "chance": 1 / 6}


def test_without_relevant_pairs_there_is_nothing_to_cover() -> None:
    nobody = np.zeros((3, 2), dtype=np.bool_)
    assert quality([(0, 1)], nobody) == {"per_item": 1 / 3, "precision": 0.0, "coverage": None, "chance": 0.0}
    assert quality([], np.ones((1, 2), dtype=np.bool_)) == {
        "per_item": 0.0,
        "precision": None,
        "coverage": None,
        "chance": None,
    }


def test_labels_that_overlap_in_part_are_counted_once() -> None:
    """All items share their first and last label and have one of their own between."""
    labels = np.concatenate([np.ones((10, 1)), np.eye(10, 79), np.ones((10, 1))], axis=1) > 0
    assert quality([(0, 1)], labels) == {"per_item": 0.1, "precision": 1.0, "coverage": 1 / 90, "chance": 1.0}


def test_a_hundred_thousand_items_of_one_class_are_counted_exactly() -> None:
    n = 100_003
    labels = np.ones((n, 1), dtype=np.bool_)
    result = neighbourhood_quality(torch.tensor([0]), torch.tensor([1]), labels)
    assert result["chance"] == 1.0
    assert result["coverage"] == 1 / (n * (n - 1))


def test_what_are_no_pairs_is_refused() -> None:
    labels = np.ones((2, 1), dtype=np.bool_)
    with pytest.raises(ValueError, match="pairs: 2 rows and 1 columns, wanted as many of each"):
        neighbourhood_quality(torch.tensor([0, 1]), torch.tensor([1]), labels)
    with pytest.raises(ValueError, match="pairs: 1 are of an item and itself"):
        quality([(0, 1), (1, 1)], labels)


def test_memory_does_not_grow_with_pairs_or_items_squared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhoods, "BLOCK_PAIRS", 1000)
    monkeypatch.setattr(neighbourhoods, "BLOCK_CELLS", 5000)
    n, each = 1500, 100
    rows = torch.arange(n).repeat_interleave(each)
    columns = (rows + torch.arange(each).repeat(n) + 1) % n
    with watched() as peak:
        neighbourhood_quality(rows, columns, multi_hot(n, 81))
    assert 0 < peak.tensor <= 8 * len(rows) < n**2, "none is larger than the pairs that were given"
    assert peak.arrays < n**2
