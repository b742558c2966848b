"""How others evaluate and search, written as they do, to be measured beside hashbench.

Every function names what it computes. It takes a task and returns the call that is measured: codes and labels are by
then in the form that it wants.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numba import njit, prange

from hashbench.codes import Codes
from hashbench.search.simd_select import popcount_word

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """Queries against a database; labels are multi-hot.

    Attributes:
        name: as tables call it.
    """

    name: str
    query: Codes
    database: Codes
    query_labels: npt.NDArray[np.bool_]
    database_labels: npt.NDArray[np.bool_]

    def first(self, queries: int) -> "Task":
        """The same with fewer queries, for implementations that take long."""
        return Task(self.name, self.query[:queries], self.database, self.query_labels[:queries], self.database_labels)


def make_task(queries: int, items: int, bits: int, classes: int, labels_each: int = 1) -> Task:
    """Codes that know something of their labels: a centre for each class, a quarter of its bits turned over."""
    rng = np.random.default_rng(0)
    centres = rng.random((classes, bits)) < 0.5

    def codes_and_labels(n: int) -> tuple[Codes, npt.NDArray[np.bool_]]:
        labels = np.zeros((n, classes), dtype=np.bool_)
        own = rng.integers(0, classes, n)
        labels[np.arange(n), own] = True
        for _ in range(labels_each - 1):
            labels[np.arange(n), rng.integers(0, classes, n)] = True
        packed = np.empty((n, -(-bits // 8)), dtype=np.uint8)
        for start in range(0, n, 1 << 18):
            part = own[start : start + (1 << 18)]
            packed[start : start + (1 << 18)] = np.packbits(
                centres[part] ^ (rng.random((len(part), bits)) < 0.25), axis=1
            )
        return Codes(packed, bits), labels

    kind = "one label" if labels_each == 1 else f"{classes} labels"
    name = f"{queries:,} x {items:,}, {bits} bits, {kind}"
    return Task(name, *(part for side in zip(*map(codes_and_labels, (queries, items)), strict=True) for part in side))


def usual_script(task: Task, k: int) -> Callable[[], Floats]:
    """AP at k of each query: a product of +-1 codes and a sort of the whole database, query by query, as in the scripts
    that deep hashing papers share.
    """
    query, database = (codes.signs().numpy() for codes in (task.query, task.database))
    query_labels, labels = (hot.astype(np.float32) for hot in (task.query_labels, task.database_labels))

    def call() -> Floats:
        values = np.empty(len(query))
        for row, own in enumerate(query):
            relevant = (query_labels[row] @ labels.T > 0).astype(np.float32)
            distances = 0.5 * (task.query.bits - own @ database.T)
            values[row] = _average_precision(relevant[np.argsort(distances)][:k] > 0)
        return values

    return call


def numpy_sort(task: Task, k: int) -> Callable[[], Floats]:
    """AP at k by uint8 distances and a stable (radix) sort, query by query."""
    query, database = (codes.packed.view(_word(codes)) for codes in (task.query, task.database))
    columns = np.ascontiguousarray(database.T)

    def call() -> Floats:
        values = np.empty(len(task.query))
        for row, own in enumerate(query):
            distances = np.zeros(len(database), dtype=np.uint8)
            for word, column in zip(own, columns, strict=True):
                distances += np.bitwise_count(word ^ column)
            order = np.argsort(distances, kind="stable")[:k]
            values[row] = _average_precision((task.query_labels[row] & task.database_labels[order]).any(axis=1))
        return values

    return call


def torch_topk(task: Task, k: int) -> Callable[[], Floats]:
    """AP at k by a product of +-1 codes and topk, a hundred queries at a time."""
    query, database = task.query.signs(), task.database.signs().T
    query_labels, labels = torch.tensor(task.query_labels), torch.tensor(task.database_labels)

    def call() -> Floats:
        values = []
        for start in range(0, len(query), 100):
            order = (query[start : start + 100] @ database).topk(k, dim=1).indices
            relevant = (query_labels[start : start + 100, None] & labels[order]).any(dim=2)
            values += [_average_precision(row) for row in relevant.numpy()]
        return np.array(values)

    return call


def faiss_flat(task: Task, k: int) -> Callable[[], Floats]:
    """AP at k by faiss's exact binary index, counting."""
    import faiss

    index = faiss.IndexBinaryFlat(8 * task.database.packed.shape[1])
    index.use_heap = False  # type: ignore[attr-defined]
    index.add(task.database.packed)

    def call() -> Floats:
        order = index.search(task.query.packed, k)[1]
        shared = task.query_labels[:, None] & task.database_labels[order]
        return np.array([_average_precision(row) for row in np.asarray(shared.any(axis=2))])

    return call


def torchmetrics_map(task: Task, k: int) -> Callable[[], Floats]:
    """Mean AP at k by torchmetrics, which wants every pair of a query and an item; one number for all queries."""
    from torchmetrics.retrieval import RetrievalMAP

    def call() -> Floats:
        metric = RetrievalMAP(top_k=k)
        for row in range(len(task.query)):
            distances = np.bitwise_count(task.query.packed[row] ^ task.database.packed).sum(axis=1)
            relevant = (task.query_labels[row] & task.database_labels).any(axis=1)
            index = torch.full((len(task.database),), row)
            nearness = task.query.bits + 1 - distances.astype(np.float32)  # it takes what is not above 0 as irrelevant
            metric.update(torch.tensor(nearness), torch.tensor(relevant), index)
        return np.array([float(metric.compute())])

    return call


def popcount_loop(task: Task) -> Callable[[], tuple[Ints, Ints]]:
    """Histograms of all and of relevant items by a plain compiled loop over pairs of words; classes as numbers."""
    query, database = (codes.packed.view(_word(codes)) for codes in (task.query, task.database))
    labels = [hot.argmax(axis=1).astype(np.uint8) for hot in (task.query_labels, task.database_labels)]

    def call() -> tuple[Ints, Ints]:
        items = np.zeros((len(task.query), 8 * task.query.packed.shape[1] + 1), dtype=np.int64)
        hits = np.zeros_like(items)
        _count_pairs(query, database, labels[0], labels[1], items, hits)
        return items, hits

    return call


def _word(codes: Codes) -> Any:
    return {2: np.uint16, 4: np.uint32}.get(codes.packed.shape[1], np.uint64)


@njit(cache=True, parallel=True, boundscheck=False)
def _count_pairs(query: Any, database: Any, query_label: Any, label: Any, items: Any, hits: Any) -> None:
    for row in prange(len(query)):
        for item in range(len(database)):
            distance = np.int64(0)
            for word in range(query.shape[1]):
                distance += np.int64(popcount_word(np.uint64(query[row, word] ^ database[item, word])))
            items[row, distance] += 1
            hits[row, distance] += query_label[row] == label[item]


def _average_precision(relevant: npt.NDArray[np.bool_]) -> float:
    ranks = np.flatnonzero(relevant) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).mean()) if len(ranks) else 0.0
