"""What float16, int8 and a product quantiser keep of neighbours: that of plain numpy and of faiss."""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import pytest
import torch

from hashbench.data.spec import open_dataset
from hashbench.dataset import Distance, Split
from hashbench.errors import Incompatible
from hashbench.evaluation.evaluate import Scores
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.execution import quantised_references
from hashbench.execution.quantised_references import QUANTISERS, quantised_scores
from hashbench.execution.training_data import TrainingData
from hashbench.records.trial_spec import FLOAT16, INT8, PRODUCT_QUANTISER

CPU = torch.device("cpu")
ITEMS, QUERIES, DIMENSION = 700, 30, 19
SPLIT = Split(train=np.arange(330, ITEMS), query=np.arange(QUERIES), database=np.arange(QUERIES, ITEMS))
Array = npt.NDArray[np.float32]


def vectors(offset: float = 5, scale: float = 1.0) -> Array:
    """Far from the origin, where a distance loses digits unless they are centred."""
    rng = np.random.default_rng(0)
    return (scale * rng.standard_normal((ITEMS, DIMENSION)) + offset).astype(np.float32)


def scores(reference: str, x: Array, distance: Distance, split: Split = SPLIT) -> tuple[Scores, int]:
    near = nearest_neighbours(x[split.query], x[split.database], distance, 100)
    inputs = TrainingData(open_dataset("digits", Path()), x, np.zeros((ITEMS, 0), dtype=np.bool_))
    return quantised_scores(reference, inputs, split, (None, None), None, near, CPU)


def distances(query: Array, database: Array, distance: Distance) -> npt.NDArray[np.float64]:
    q, x = query.astype(np.float64), database.astype(np.float64)
    if distance == "l2":
        result: npt.NDArray[np.float64] = ((q[:, None] - x[None]) ** 2).sum(-1)
        return result
    lengths = np.linalg.norm(x, axis=1) if distance == "cosine" else np.ones(len(x))
    return -(q @ x.T) / lengths


def kept(x: Array, left: Array, distance: Distance, k: int) -> float:
    """Share of the k nearest by ``x`` among those by ``left`` of the database, of float queries."""
    query = x[SPLIT.query]
    near, found = (distances(query, rows, distance).argsort(axis=1)[:, :k] for rows in (x[SPLIT.database], left))
    return float(np.mean([np.isin(*pair).mean() for pair in zip(near, found, strict=True)]))


def decoded(reference: str, x: Array) -> Array:
    database, train = x[SPLIT.database], x[SPLIT.train]
    if reference == FLOAT16:
        return database.astype(np.float16).astype(np.float32)
    if reference == INT8:
        low, high = train.min(0), train.max(0)
        step = (high - low) / 255
        kept_steps: Array = (low + np.rint((database - low) / step).clip(0, 255) * step).astype(np.float32)
        return kept_steps
    padded = np.zeros((ITEMS, 32), dtype=np.float32)
    padded[:, :DIMENSION] = x
    quantiser: Any = faiss.ProductQuantizer(32, 16, 8)
    quantiser.cp.min_points_per_centroid = 1
    quantiser.train(padded[SPLIT.train])
    left: Array = quantiser.decode(quantiser.compute_codes(padded[SPLIT.database]))[:, :DIMENSION]
    return left


@pytest.mark.parametrize("distance", ["l2", "cosine", "ip"])
@pytest.mark.parametrize(("reference", "size"), [(FLOAT16, 38), (INT8, 19), (PRODUCT_QUANTISER, 16)])
def test_each_keeps_what_plain_numpy_keeps(reference: str, size: int, distance: Distance) -> None:
    x = vectors(0.5)
    if distance == "cosine":
        x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    found, bytes_per_item = scores(reference, x, distance)
    assert bytes_per_item == size
    left = decoded(reference, x)
    for k in (1, 10, 100):
        room = 0.04 if k == 1 else 0.004  # one neighbour may change places with another that is as near in float32
        assert found.metrics[f"neighbours/recall@{k}"] == pytest.approx(kept(x, left, distance, k), abs=room)
    assert found.metrics["neighbours/recall@10"] != 1 or reference == FLOAT16
    assert found.diagnostics == {}


def test_rows_of_other_lengths_are_quantised_at_length_1_under_the_cosine() -> None:
    x = vectors(0)
    longer = x * np.random.default_rng(1).uniform(0.01, 100, (ITEMS, 1)).astype(np.float32)
    for reference in (INT8, PRODUCT_QUANTISER):
        one, other = (scores(reference, each, "cosine")[0].metrics for each in (x, longer))
        assert one["neighbours/recall@100"] == pytest.approx(other["neighbours/recall@100"], abs=0.01)


def test_copies_of_a_vector_tie_and_cost_nothing() -> None:
    x = np.repeat(vectors()[: ITEMS // 2], 2, axis=0)
    found, _ = scores(FLOAT16, x, "l2")
    assert found.metrics["neighbours/recall@100"] == pytest.approx(1, abs=0.01)


def test_a_constant_dimension_is_kept() -> None:
    x = vectors()
    x[:, 3] = 7
    assert scores(INT8, x, "l2")[0].metrics["neighbours/recall@100"] == pytest.approx(0.98, abs=0.02)


def test_what_cannot_be_quantised_is_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Incompatible, match="reference-float16: the vectors have numbers beyond 65,504"):
        scores(FLOAT16, vectors(70_000), "l2")
    few = Split(SPLIT.train[:255], SPLIT.query, SPLIT.database)
    with pytest.raises(Incompatible, match="reference-pq learns from 256 vectors or more, not 255"):
        scores(PRODUCT_QUANTISER, vectors(), "l2", few)

    def absent(_name: str) -> Any:
        raise ImportError

    monkeypatch.setattr(quantised_references, "import_module", absent)
    with pytest.raises(Incompatible, match="reference-pq is faiss's, which is not here: pip install faiss-cpu"):
        scores(PRODUCT_QUANTISER, vectors(), "l2")


def test_every_quantised_reference_has_a_quantiser() -> None:
    assert list(QUANTISERS) == [FLOAT16, INT8, PRODUCT_QUANTISER]
