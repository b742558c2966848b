"""The floor and the ceiling: random codes, and features less their training mean, read block by block."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hashbench.data.spec import open_dataset
from hashbench.dataset import Split
from hashbench.evaluation.evaluate import evaluate_features
from hashbench.execution import references
from hashbench.execution.references import centred_features, random_codes
from hashbench.execution.training_data import TrainingData
from tests.evaluation.peak_memory import watched

CPU = torch.device("cpu")
ITEMS, DIMENSION = 90, 7
ORDER = np.random.default_rng(5).permutation(ITEMS)
SPLIT = Split(train=ORDER[30:70], query=ORDER[:20], database=ORDER[20:])


def some_inputs(folder: Path, dtype: str) -> TrainingData:
    """Features that lie far from the origin, memory-mapped; the data set behind them is not read."""
    rng = np.random.default_rng(0)
    np.save(folder / "features.npy", (rng.standard_normal((ITEMS, DIMENSION)) + 3).astype(dtype))
    features = np.load(folder / "features.npy", mmap_mode="r")
    return TrainingData(open_dataset("digits", Path()), features, rng.random((ITEMS, 4)) < 0.3)


def centred(inputs: TrainingData, items: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The same in float64."""
    assert isinstance(inputs.features, np.ndarray)
    features = inputs.features.astype(np.float64)
    rows: npt.NDArray[np.float64] = features[items] - features[SPLIT.train].mean(axis=0)
    return rows


def test_random_codes_are_fair_independent_and_those_of_their_seed() -> None:
    codes = random_codes(4000, 12, seed=3)
    signs = codes.unpack() * 2.0 - 1
    moments = signs.T @ signs / 4000
    assert (np.abs(signs.mean(axis=0)) < 5 / np.sqrt(4000)).all()
    assert (np.abs(moments - np.eye(12)) < 5 / np.sqrt(4000)).all()
    assert np.array_equal(codes.packed, random_codes(4000, 12, seed=3).packed)
    assert not np.array_equal(codes.packed, random_codes(4000, 12, seed=4).packed)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("numbers", [1 << 20, 3, 80])
def test_features_are_centred_by_the_training_mean(
    dtype: str, numbers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean from one block, from single rows, and from blocks that leave a remainder."""
    monkeypatch.setattr(references, "_BLOCK_NUMBERS", numbers)
    inputs = some_inputs(tmp_path, dtype)
    for rows, items in zip(centred_features(inputs, SPLIT, CPU), (SPLIT.query, SPLIT.database), strict=True):
        assert (len(rows), rows.dimension) == (len(items), DIMENSION)
        assert rows[:].dtype == torch.float32
        np.testing.assert_allclose(rows[:], centred(inputs, items), atol=1e-6)
        assert torch.equal(torch.cat([rows[:3], rows[3:4], rows[4 : len(items) + 9]]), rows[:])


def test_the_mean_is_exact_beside_a_large_offset_and_reads_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums in float32 round in the last place of a mean of 1,000 already."""
    monkeypatch.setattr(references, "_BLOCK_NUMBERS", 1 << 14)
    values = np.float32(1000) + np.random.default_rng(0).random((20_000, 50), dtype=np.float32)
    inputs = TrainingData(open_dataset("digits", Path()), values, np.zeros((20_000, 1), dtype=np.bool_))
    items = np.arange(20_000)
    with watched() as peak:
        _, database = centred_features(inputs, Split(items, items[:1], items[1:2]), CPU)
    assert np.array_equal(database.mean, values.mean(axis=0, dtype=np.float64).astype(np.float32))
    assert max(peak.tensor, peak.arrays) < values.nbytes / 10


def test_rows_that_are_read_rank_as_the_array_does(tmp_path: Path) -> None:
    inputs = some_inputs(tmp_path, "float16")
    labels = inputs.labels[SPLIT.query], inputs.labels[SPLIT.database]
    query, database = centred_features(inputs, SPLIT, CPU)
    read = evaluate_features(query, database, *labels, cutoff=9, device="cpu")
    whole = evaluate_features(centred(inputs, SPLIT.query), centred(inputs, SPLIT.database), *labels, 9, "cpu")
    for name, value in whole.metrics.items():
        assert read.metrics[name] == (None if value is None else pytest.approx(value, rel=1e-12)), name
