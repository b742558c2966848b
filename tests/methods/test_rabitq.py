"""rabitq: its estimates are those of the formula and of faiss, without bias over rotations; what they keep."""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import hashbench as hb
from hashbench.codes import Codes
from hashbench.errors import Incompatible
from hashbench.evaluation.evaluate import evaluate_similarities
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.execution import measure
from hashbench.execution.rankings import Encoded
from hashbench.execution.replay_context import ReplayContext
from hashbench.execution.stored_trial import StoredTrial, load_method_codes
from hashbench.execution.training_data import own_generator
from hashbench.features.weights import Weights
from hashbench.method import HashMethod, RunContext, TrainingSet
from hashbench.planning.chosen import chosen_methods
from hashbench.planning.grid import Grid
from hashbench.plugins.registry import DATASETS, METHODS
from hashbench.replay.ranked_index import ranked_index, search_stored
from hashbench.replay.rescore import rescore_record
from hashbench.reporting.leaderboard.tables import tables
from tests.methods.test_sign import FASHION_MNIST
from tests.pictures import pictures

Floats = npt.NDArray[np.float64]


def some_vectors(items: int, dimension: int, seed: int = 0) -> Tensor:
    """Clusters far from the origin, whose dimensions differ in their spread."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((8, dimension)) * 2
    spread = rng.uniform(0.2, 2, dimension)
    x = centres[rng.integers(0, 8, items)] + spread * rng.standard_normal((items, dimension)) + 3
    return torch.from_numpy(x.astype(np.float32))


def fitted(x: Tensor, distance: Any = "l2", seed: int = 0, **parameters: Any) -> Any:
    run = RunContext(torch.device("cpu"), own_generator(seed), distance=distance)
    return METHODS.get("rabitq")(x.shape[1], **parameters).fit(TrainingSet(given_features=x), run)


def estimates(method: HashMethod, query: Tensor, database: Tensor) -> Floats:
    packed = torch.from_numpy(Codes.pack(method.encode(database)).packed)
    scores = method.scores(method.prepare(query), packed, method.factors(database))
    assert scores.dtype == torch.float32
    return scores.double().numpy()


def by_the_formula(method: Any, query: Tensor, database: Tensor, distance: str) -> Floats:
    """|o|^2 + |q'|^2 - 2 |o|^2 / |o|_1 <sign(o), q'>, in float64; -2 <q, x> less what a query adds to all."""
    x, q = database.double().numpy(), query.double().numpy()
    if distance == "cosine":
        x, q = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, q))
    rotation = method.rotation_.numpy() if method.rotation else np.eye(x.shape[1])
    o, r = ((each - method.mean_.numpy()) @ rotation for each in (x, q))
    squares = (o**2).sum(1)
    estimated = squares + (r**2).sum(1)[:, None] - 2 * (r @ np.sign(o).T) * squares / np.abs(o).sum(1)
    if distance == "ip":
        estimated -= (x**2).sum(1) + (q**2).sum(1)[:, None]
    result: Floats = estimated
    return result


@settings(max_examples=20)
@given(st.integers(0, 999), st.integers(2, 40), st.sampled_from(["l2", "cosine", "ip"]), st.booleans())
def test_float_queries_are_estimated_by_the_formula(seed: int, dimension: int, distance: str, rotation: bool) -> None:
    x, q = some_vectors(60, dimension, seed), some_vectors(5, dimension, seed + 1)
    method = fitted(x, distance, seed, query_bits=0, rotation=rotation)
    wanted = by_the_formula(method, q, x, distance)
    np.testing.assert_allclose(estimates(method, q, x), wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("distance", ["l2", "cosine", "ip"])
def test_the_estimate_has_no_bias_over_rotations(distance: str) -> None:
    x, q = some_vectors(20, 8), some_vectors(3, 8, 1)
    if distance == "cosine":
        x, q = (torch.nn.functional.normalize(each) for each in (x, q))
    exact = ((q[:, None] - x) ** 2).sum(-1).double() if distance != "ip" else -2 * (q @ x.T).double()
    mean = np.mean([estimates(fitted(x, distance, seed), q, x) for seed in range(400)], axis=0)
    drawn = np.std([estimates(fitted(x, distance, seed), q, x) for seed in range(40)], axis=0) / 20
    assert (np.abs(mean - exact.numpy()) < 5 * drawn + 0.01 * np.abs(exact.numpy())).all()


def in_faiss(method: Any, x: Tensor, query_bits: int) -> Any:
    """faiss's index of data that are rotated already."""
    rotated = (x.double() @ method.rotation_).float().numpy()
    index = faiss.IndexRaBitQ(x.shape[1], faiss.METRIC_L2)
    index.train(rotated)
    index.add(rotated)
    index.qb = query_bits
    return index


@pytest.mark.parametrize("dimension", [64, 100])
def test_float_queries_have_faisss_estimates(dimension: int) -> None:
    x, q = some_vectors(500, dimension), some_vectors(20, dimension, 1)
    method = fitted(x, query_bits=0)
    found, ids = in_faiss(method, x, 0).search((q.double() @ method.rotation_).float().numpy(), 500)
    own = np.take_along_axis(estimates(method, q, x), ids, axis=1)
    np.testing.assert_allclose(own, found, rtol=1e-4)


def test_queries_of_four_bits_find_faisss_top_100() -> None:
    x, q = some_vectors(3_000, 128), some_vectors(50, 128, 1)
    method = fitted(x)
    _, ids = in_faiss(method, x, 4).search((q.double() @ method.rotation_).float().numpy(), 100)
    own = estimates(method, q, x).argsort(axis=1)[:, :100]
    shared = [len(np.intersect1d(*pair)) for pair in zip(own, ids, strict=True)]
    assert np.mean(shared) >= 99


def test_items_at_the_mean_and_queries_at_it_are_finite() -> None:
    x = torch.ones(30, 9)
    method = fitted(x)
    assert np.isfinite(estimates(method, x[:2], x)).all()
    assert estimates(method, x[:1], x[:1]) == pytest.approx(0, abs=1e-5)
    zero = torch.zeros(2, 9)
    assert np.isfinite(estimates(fitted(x, "cosine"), zero, zero)).all()


def test_what_it_cannot_do_is_said() -> None:
    with pytest.raises(ValueError, match="query_bits is 9, wanted 1 to 8, or 0 for float"):
        fitted(torch.ones(9, 8), query_bits=9)
    with pytest.raises(Incompatible, match="rabitq makes 6 bits of 6 dimensions, not 8"):
        METHODS.get("rabitq")(8).fit(
            TrainingSet(given_features=torch.ones(4, 6)), RunContext(torch.device("cpu"), own_generator(0))
        )


@pytest.fixture
def no_reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    monkeypatch.setattr("hashbench.reporting.write.write_reports", lambda *_: None)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("no_reports")
@pytest.mark.parametrize("metric", ["l2", "ip"])
def test_it_runs_as_an_estimator_in_a_table_of_its_own(tmp_path: Path, metric: str) -> None:
    np.save(tmp_path / "x.npy", some_vectors(700, 40).numpy())
    asked: Any = {"datasets": f"embeddings:{tmp_path / 'x.npy'}", "metric": metric, "executor": "inline"}
    found = hb.run(methods="rabitq,rotated_sign", bits="full", results=tmp_path / "r", device="cpu", **asked)
    by_method = {record["trial"]["method"]: record for record in found.records}
    record = by_method["rabitq"]
    assert record["status"] == "ok", record["error"]
    assert record["trial"]["ranking"] == "estimator"
    assert record["bytes_per_item"] == 5 + 8
    recalls = {name: each["metrics"]["neighbours/recall@10"] for name, each in by_method.items()}
    assert recalls["rabitq"] > recalls["rotated_sign"] > recalls["reference-random"]
    hamming, estimator = tables(found)
    assert [row.label for row in hamming.ranked] == ["rotated_sign"]
    assert [row.label for row in estimator.ranked] == ["rabitq (estimator)"]
    assert "reference-float" in [row.label for row in estimator.references]
    (throughput,) = [each for each in found.throughputs if each["key"] == record["key"]]
    assert throughput["bytes_per_item"] == 13
    stored = StoredTrial.read(found.files[record["key"]])
    context = ReplayContext(tmp_path / "r", tmp_path, torch.device("cpu"), Weights(offline=True), None)
    again = rescore_record(stored, context)
    for field in ("metrics", "curves", "diagnostics"):
        assert again[field] == record[field]
    codes = load_method_codes(stored)
    index = ranked_index(stored, codes, torch.device("cpu"))
    ids, _ = search_stored(index, codes, np.arange(5), 10)
    near = codes.neighbours
    assert near is not None
    shares = [np.isin(near.rows[near.starts[row] :][:10], ids[row]).mean() for row in range(5)]
    with np.load(stored.codes_file) as arrays:
        assert shares == pytest.approx(arrays["neighbour_recall"][:5])


@pytest.mark.usefixtures("no_reports")
def test_a_glob_leaves_it_out(tmp_path: Path) -> None:
    names = {pattern: [one.name for one in chosen_methods(Grid((pattern,), (8,)), {})] for pattern in ("*", "rab*")}
    assert "rabitq" not in names["*"]
    assert names["rab*"] == []
    assert [one.name for one in chosen_methods(Grid(("rabitq",), (8,)), {})] == ["rabitq"]


@pytest.mark.slow
@pytest.mark.skipif(not FASHION_MNIST.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_float_neighbours_of_fashion_mnist_are_kept_as_often_as_measured_elsewhere(tmp_path: Path) -> None:
    """Share of the ten nearest pictures (784 pixels, l2) among the first 10 m by the estimates, m = 1, 2, 3, 5."""
    kind = DATASETS.get("fashion_mnist")
    dataset = kind(tmp_path, kind.protocols[1])
    dataset.prepare(FASHION_MNIST, lambda _: None)
    split = dataset.split()
    query, base = (pictures(dataset, items).flatten(1).float() / 255 for items in (split.query, split.database))
    near = nearest_neighbours(query.numpy(), base.numpy(), "l2", 100)

    def kept(**parameters: Any) -> list[float]:
        method = fitted(base, **parameters)
        codes = Codes.pack(torch.cat([method.encode(part) for part in torch.split(base, 5_000)]))
        factors = torch.cat([method.factors(part) for part in torch.split(base, 5_000)]).numpy()
        made = Encoded(codes, codes, method.prepare(query).numpy(), factors)
        scored = made.scored(method, torch.device("cpu"))
        assert scored is not None
        found = evaluate_similarities(scored.similarities(), None, None, neighbours=near)
        return [found.curves["neighbours"]["recall"][m - 1] for m in (1, 2, 3, 5)]

    assert kept(rotation=False) == pytest.approx([0.455, 0.660, 0.770, 0.882], abs=0.02)
    assert kept() == pytest.approx([0.716, 0.914, 0.967, 0.992], abs=0.02)
