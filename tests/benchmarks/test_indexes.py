"""faiss's approximate binary indexes beside exact search, with the share of the true neighbours that they find."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hashbench.codes import Codes
from hashbench.search.index import HammingIndex
from tests.benchmarks.peers import make_task
from tests.benchmarks.test_evaluation import task

K, QUERIES = 100, 200
BITS = 64


def exact(database: Codes) -> Any:
    return HammingIndex(database, "cpu").search


def hnsw(ef: int) -> Callable[[Codes], Any]:
    def build(database: Codes) -> Any:
        faiss = pytest.importorskip("faiss")
        index = faiss.IndexBinaryHNSW(database.bits, 32)
        index.hnsw.efConstruction, index.hnsw.efSearch = 100, ef
        return _searcher(index, database)

    return build


def multi_hash(flips: int) -> Callable[[Codes], Any]:
    def build(database: Codes) -> Any:
        faiss = pytest.importorskip("faiss")
        index = faiss.IndexBinaryMultiHash(database.bits, 4, 16)
        index.nflip = flips
        return _searcher(index, database)

    return build


def _searcher(index: Any, database: Codes) -> Any:
    index.add(database.packed)
    return lambda query, k: tuple(reversed(index.search(query.packed, k)))


IMPLEMENTATIONS: dict[str, Callable[[Codes], Any]] = {
    "hashbench, exact": exact,
    "faiss HNSW, ef 100": hnsw(100),
    "faiss HNSW, ef 400": hnsw(400),
    "faiss multi-hash, 0 flips": multi_hash(0),
    "faiss multi-hash, 2 flips": multi_hash(2),
}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_index(benchmark: Any, implementation: str) -> None:
    whole = task("59k", BITS).first(QUERIES) if benchmark.enabled else make_task(10, 2000, BITS, 10)
    search = IMPLEMENTATIONS[implementation](whole.database)
    ids, _ = benchmark.pedantic(search, (whole.query, K), rounds=5 if benchmark.enabled else 1, warmup_rounds=1)
    _, distances = HammingIndex(whole.database, "cpu").search(whole.query, K)
    recall = float(
        np.mean([_recall(whole.query[q : q + 1], whole.database, ids[q], distances[q, -1]) for q in range(len(ids))])
    )
    name = f"{len(whole.database):,} items, {BITS} bits, k = {K}"
    benchmark.extra_info.update(task=name, implementation=implementation, queries=len(ids), of="indexes", recall=recall)
    assert recall == 1 if implementation.endswith("exact") else 0 <= recall <= 1


def _recall(query: Codes, database: Codes, ids: Any, farthest: int) -> float:
    """Share of the k answers that are no farther than the true k-th: of equally near ones any will do."""
    own = ids[ids >= 0]
    distances = np.bitwise_count(query.packed ^ database.packed[own]).sum(axis=1)
    return float((distances <= farthest).sum() / len(ids))
