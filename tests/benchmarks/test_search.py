"""Speed of exact search beside faiss and torch; full sizes with --benchmark-enable, tiny ones without."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hashbench.search.index import HammingIndex
from tests.benchmarks.peers import Task, make_task
from tests.benchmarks.test_evaluation import task

RANKS = [1, 10, 100, 1000]
QUERIES = 200


def searched(benchmark: Any, size: str, bits: int, k: int, implementation: str, prepare: Callable[[Task], Any]) -> Any:
    """Search with what ``prepare`` makes of the database; making it is not measured."""
    whole = task(size, bits).first(QUERIES) if benchmark.enabled else make_task(10, 1200, bits, 10)
    search = prepare(whole)
    benchmark.extra_info.update(
        task=f"{len(whole.database):,} items, {bits} bits, k = {k:,}",
        implementation=implementation,
        queries=len(whole.query),
        of="search",
    )
    search(whole.query, k)
    return whole, benchmark.pedantic(search, (whole.query, k), rounds=7 if benchmark.enabled else 1)


def faiss_index(whole: Task, use_heap: bool) -> Callable[[Any, int], Any]:
    faiss = pytest.importorskip("faiss")
    index = faiss.IndexBinaryFlat(8 * whole.database.packed.shape[1])
    index.use_heap = use_heap
    index.add(whole.database.packed)
    return lambda query, k: index.search(query.packed, k)


def by_torch(whole: Task) -> Callable[[Any, int], Any]:
    signs = whole.database.signs().T
    return lambda query, k: (query.signs() @ signs).topk(k, dim=1)


IMPLEMENTATIONS: dict[str, Callable[[Task], Callable[[Any, int], Any]]] = {
    "hashbench": lambda whole: HammingIndex(whole.database, "cpu").search,
    "faiss, counting": lambda whole: faiss_index(whole, use_heap=False),
    "faiss, heap": lambda whole: faiss_index(whole, use_heap=True),
    "torch topk": by_torch,
}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("k", RANKS)
@pytest.mark.parametrize("bits", [16, 32, 64, 128])
@pytest.mark.parametrize("size", ["59k", "1M"])
def test_search(benchmark: Any, size: str, bits: int, k: int, implementation: str) -> None:
    whole, nearest = searched(benchmark, size, bits, k, implementation, IMPLEMENTATIONS[implementation])
    if implementation.startswith("faiss"):
        _, distances = HammingIndex(whole.database, "cpu").search(whole.query, k)
        assert np.array_equal(nearest[0], distances)
