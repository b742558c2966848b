"""Speed of exact search; full sizes with --benchmark-enable, tiny ones (does it still run) without."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from hashbench.search.index import HammingIndex


@pytest.mark.parametrize("k", [1, 10, 100, 1000])
def test_search(benchmark: BenchmarkFixture, k: int) -> None:
    queries, items = (200, 59_000) if benchmark.enabled else (5, 1000)
    rng = np.random.default_rng(0)
    index = HammingIndex(rng.random((items, 64)) < 0.5, device="cpu")
    ids, _ = benchmark(index.search, rng.random((queries, 64)) < 0.5, k)
    assert ids.shape == (queries, k)
