"""Speed of the evaluation beside how others do it; full sizes with --benchmark-enable, tiny ones without.

``python -m tests.benchmarks.table`` runs all of this and writes the table of ratios.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from hashbench.codes import Codes
from hashbench.evaluation.evaluate import evaluate, evaluate_features
from hashbench.evaluation.histograms import distance_histograms
from hashbench.evaluation.relevance import Labels
from tests.benchmarks import peers
from tests.benchmarks.peers import Task, make_task

K = 1000
BITS = [16, 32, 64, 128]
SIZES = {
    "59k": (1000, 59_000, 10, 1),
    "50k": (10_000, 50_000, 10, 1),
    "nuswide": (2100, 193_734, 21, 3),
    "1M": (1000, 1_000_000, 10, 1),
    "10M": (1000, 10_000_000, 10, 1),
}
ENOUGH = 4e9  # pairs of one measured call; of a size with more, fewer queries are taken
# How others come to AP at 1,000, and pairs that one measured call may take of each: they take long.
PEERS: dict[str, tuple[Callable[[Task, int], Callable[[], Any]], float]] = {
    "usual script": (peers.usual_script, 1e7),
    "numpy sort": (peers.numpy_sort, 3e7),
    "torch topk": (peers.torch_topk, 1e8),
    "faiss": (peers.faiss_flat, 1e8),
    "torchmetrics": (peers.torchmetrics_map, 2e6),
}


@cache
def task(size: str, bits: int) -> Task:
    """One of the sizes; the last one asked for is kept."""
    task.cache_clear()
    queries, items, classes, labels_each = SIZES[size]
    return make_task(queries, items, bits, classes, labels_each)


def measured(
    benchmark: Any, whole: Task, pairs: float, implementation: str, prepare: Callable[[Task], Callable[[], Any]]
) -> Any:
    """Run what ``prepare`` makes of as many queries as make ``pairs``; what the table needs stands in extra_info."""
    part = whole.first(max(1, min(len(whole.query), int(pairs / len(whole.database)))))
    benchmark.extra_info.update(
        task=whole.name, implementation=implementation, queries=len(part.query), of="evaluation"
    )
    call = prepare(part)
    call()  # compiles what is to be compiled, and warms up
    return benchmark.pedantic(call, rounds=5 if benchmark.enabled else 1)


def sides(task: Task) -> tuple[Codes, Codes, Labels, Labels]:
    return task.query, task.database, task.query_labels, task.database_labels


def small(benchmark: Any, size: str, bits: int) -> Task:
    """The size itself where it is measured, else a tiny task with as many labels."""
    _, _, classes, labels_each = SIZES[size]
    return task(size, bits) if benchmark.enabled else make_task(10, 1200, bits, classes, labels_each)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("size", SIZES)
def test_histograms(benchmark: Any, size: str, bits: int) -> None:
    whole = small(benchmark, size, bits)
    histograms = measured(
        benchmark,
        whole,
        ENOUGH,
        "histograms",
        lambda t: partial(distance_histograms, *sides(t), "cpu"),
    )
    assert (histograms.items.sum(axis=1) == len(whole.database)).all()


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("size", SIZES)
def test_every_metric(benchmark: Any, size: str, bits: int) -> None:
    scores = measured(
        benchmark,
        small(benchmark, size, bits),
        ENOUGH,
        "all metrics",
        lambda t: partial(evaluate, *sides(t), cutoff=5000, device="cpu"),
    )
    assert 0 < scores.metrics["map@1000"] <= 1


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("size", ["59k", "50k", "1M", "10M"])
def test_popcount_loop(benchmark: Any, size: str, bits: int) -> None:
    whole = small(benchmark, size, bits)
    items, hits = measured(benchmark, whole, 1e8, "popcount loop", peers.popcount_loop)
    part = whole.first(len(items))
    ours = distance_histograms(*sides(part), "cpu")
    assert np.array_equal(items[:, : bits + 1], ours.items)
    assert np.array_equal(hits[:, : bits + 1], ours.relevant)


@pytest.mark.parametrize("implementation", PEERS)
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("size", SIZES)
def test_peers(benchmark: Any, size: str, bits: int, implementation: str) -> None:
    """Within what the order of ties can do to them, they find the same."""
    if implementation in ("faiss", "torchmetrics"):
        pytest.importorskip(implementation)
    whole = small(benchmark, size, bits)
    prepare, pairs = PEERS[implementation]
    values = measured(benchmark, whole, pairs, implementation, lambda t: prepare(t, K))
    benchmark.extra_info["beside"] = "all metrics"
    if not benchmark.enabled:
        ours = evaluate(*sides(whole), device="cpu").metrics
        worst, best = ours["map@1000/worst"], ours["map@1000/best"]
        assert worst is not None
        assert best is not None
        assert worst - 1e-6 <= values.mean() <= best + 1e-6


def test_float_features(benchmark: Any) -> None:
    queries, items = (100, 59_000) if benchmark.enabled else (10, 590)
    rng = np.random.default_rng(0)
    features = [rng.standard_normal((rows, 512), dtype=np.float32) for rows in (queries, items)]
    labels = [rng.integers(0, 10, rows) for rows in (queries, items)]
    scores = benchmark(evaluate_features, *features, *labels, device="cpu")
    assert scores.queries["scored"] == queries
