"""Memory of the evaluation: no queries x database matrix, and no copy of the database's features, at any size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.evaluation import score_blocks
from hashbench.evaluation.evaluate import evaluate, evaluate_features
from tests.evaluation import peak_memory
from tests.evaluation.peak_memory import multi_hot, watched

BLOCK, COMPARED, RANKED = 1 << 13, 1 << 15, 1 << 12

needs_proc = pytest.mark.skipif(not peak_memory.STATUS.exists(), reason="reads the peak from /proc (Linux)")


@pytest.mark.parametrize("classes", [21, 81])
def test_codes_are_scored_in_less_than_a_byte_per_pair(classes: int) -> None:
    queries, items = 1000, 80_000
    rng = np.random.default_rng(0)
    codes = [Codes(rng.integers(0, 256, (n, 2), dtype=np.uint8), 16) for n in (queries, items)]
    labels = multi_hot(queries, classes), multi_hot(items, classes)
    with watched() as peak:
        evaluate(codes[0], codes[1], *labels, cutoff=5000, device="cpu")
    assert peak.tensor < queries * items
    assert 0 < peak.arrays < queries * items


@pytest.mark.parametrize(("items", "classes"), [(200_000, 20_000), (100_000, 100_000)])
def test_class_numbers_cost_no_more_for_many_classes(items: int, classes: int) -> None:
    """A matrix of items x classes would be 4 GB and 10 GB."""
    rng = np.random.default_rng(0)
    codes = [Codes(rng.integers(0, 256, (n, 2), dtype=np.uint8), 16) for n in (100, items)]
    labels = rng.integers(0, classes, 100), rng.integers(0, classes, items)
    with watched() as peak:
        evaluate(codes[0], codes[1], *labels, device="cpu")
    assert 0 < peak.arrays < 100 * items
    features = Recorded(10, 4), Recorded(items, 4)
    with watched() as peak:
        evaluate_features(*features, labels[0][:10], labels[1], device="cpu")
    assert 0 < max(peak.arrays, peak.tensor) < 1000 * items


class Recorded:
    """Rows made when they are asked for; remembers how many that were each time."""

    def __init__(self, items: int, dimension: int) -> None:
        self.items, self.dimension, self.asked = items, dimension, list[int]()

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, rows: slice) -> Tensor:
        rows_read = torch.arange(self.items)[rows]
        self.asked.append(len(rows_read))
        return torch.sin(rows_read[:, None] * 1.7 + torch.arange(self.dimension) ** 2)


def test_features_are_scored_from_blocks_that_are_read_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held scales with the sizes set here, below each of: pairs, features, labels as floats."""
    monkeypatch.setattr(score_blocks, "_CPU", score_blocks._Sizes(BLOCK, COMPARED, RANKED))
    queries, items, dimension, classes = 240, 4000, 128, 81
    query, database = Recorded(queries, dimension), Recorded(items, dimension)
    labels = multi_hot(queries, classes), multi_hot(items, classes)
    with watched() as peak:
        evaluate_features(query, database, *labels, cutoff=500, device="cpu")
    assert 0 < peak.tensor <= 4 * COMPARED < min(queries * items, 4 * items * dimension, 4 * items * classes)
    assert peak.arrays < queries * items
    assert max(query.asked + database.asked) * dimension <= BLOCK
    chunks = -(-queries // (COMPARED // items))
    assert sum(database.asked) == items * (1 + chunks)


@needs_proc
@pytest.mark.slow
def test_a_ranking_of_decoded_vectors_holds_no_more_after_many_queries() -> None:
    """Small arrays that stayed between large ones that went held 450 MB more of 150 queries, 3 GB of 1,000."""
    assert peak_memory.in_fresh_process(peak_memory.megabytes_of_decoded, 150) < 300


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("classes", [21, 81])
def test_codes_of_nuswide_are_scored_in_100_megabytes(classes: int) -> None:
    """2,100 queries, 193,734 items, 64 bits; a byte per pair would be 407 MB."""
    assert 1 < peak_memory.in_fresh_process(peak_memory.megabytes_of_codes, classes) < 100


@needs_proc
@pytest.mark.parametrize("classes", [20_000, 100_000])
def test_items_of_a_class_each_are_scored_in_60_megabytes(classes: int) -> None:
    """A matrix of 200,000 items x 20,000 classes would be 4 GB."""
    assert 1 < peak_memory.in_fresh_process(peak_memory.megabytes_of_classes, classes) < 60


@needs_proc
@pytest.mark.slow
def test_features_of_nuswide_are_scored_in_700_megabytes(tmp_path: Path) -> None:
    """The same sizes in 64 dimensions: float similarities of all pairs would be 1,627 MB."""
    file = tmp_path / "features.npy"
    rows = np.random.default_rng(0).standard_normal(
        (peak_memory.QUERIES + peak_memory.ITEMS, peak_memory.DIMENSION), dtype=np.float32
    )
    np.save(file, rows.astype(np.float16))
    assert 10 < peak_memory.in_fresh_process(peak_memory.megabytes_of_features, file) < 700
