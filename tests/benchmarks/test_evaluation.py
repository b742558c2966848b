"""Speed of the evaluation; full sizes with --benchmark-enable, tiny ones (does it still run) without."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from hashbench.codes import Codes
from hashbench.evaluation.evaluate import evaluate, evaluate_features
from hashbench.evaluation.histograms import distance_histograms


@pytest.mark.parametrize("bits", [16, 64])
def test_histograms(benchmark: BenchmarkFixture, bits: int) -> None:
    queries, items = (1000, 59_000) if benchmark.enabled else (10, 590)
    rng = np.random.default_rng(0)
    codes = [Codes.pack(rng.random((rows, bits)) < 0.5) for rows in (queries, items)]
    labels = [rng.integers(0, 10, rows) for rows in (queries, items)]
    found = benchmark(distance_histograms, *codes, *labels)
    assert found.items.sum() == queries * items


def test_every_metric(benchmark: BenchmarkFixture) -> None:
    queries, items = (1000, 59_000) if benchmark.enabled else (10, 590)
    rng = np.random.default_rng(0)
    codes = [Codes.pack(rng.random((rows, 64)) < 0.5) for rows in (queries, items)]
    labels = [rng.integers(0, 10, rows) for rows in (queries, items)]
    scores = benchmark(evaluate, *codes, *labels, cutoff=5000, device="cpu")
    assert scores.queries["scored"] == queries


def test_every_metric_of_several_labels(benchmark: BenchmarkFixture) -> None:
    """The size of nuswide/tc21."""
    queries, items = (2100, 193_734) if benchmark.enabled else (21, 1937)
    rng = np.random.default_rng(0)
    codes = [Codes.pack(rng.random((rows, 64)) < 0.5) for rows in (queries, items)]
    labels = [rng.random((rows, 21)) < 0.11 for rows in (queries, items)]
    scores = benchmark(evaluate, *codes, *labels, cutoff=5000, device="cpu")
    assert scores.queries["scored"] == labels[0].any(axis=1).sum()


def test_float_features(benchmark: BenchmarkFixture) -> None:
    queries, items = (100, 59_000) if benchmark.enabled else (10, 590)
    rng = np.random.default_rng(0)
    features = [rng.standard_normal((rows, 512), dtype=np.float32) for rows in (queries, items)]
    labels = [rng.integers(0, 10, rows) for rows in (queries, items)]
    scores = benchmark(evaluate_features, *features, *labels, device="cpu")
    assert scores.queries["scored"] == queries
