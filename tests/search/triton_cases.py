"""Random cases for the Triton kernels in Triton's interpreter.

``TRITON_INTERPRET=1 python -m tests.search.triton_cases KERNEL,... CASES SEED`` compares each result with numba's
backend and with the matrix of all pairs; the first that differs is printed with its case, and the process ends with 1.
The interpreter is chosen when Triton decorates a kernel, so that this needs a process of its own.
"""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from triton.runtime import interpreter

from hashbench.codes import Codes
from hashbench.search import triton_counting
from hashbench.search.backend import Gains
from hashbench.search.bit_sliced import BitSlicedBackend
from hashbench.search.triton_backend import TritonBackend
from hashbench.search.word_planes import TILE_ITEMS

KERNELS = ("count_distances", "count_long_distances", "collect_nearest")
MOST_BITS = 300
MAX_CHUNKS = triton_counting.MAX_CHUNKS
_MOST_GROUPS = 24  # of rows that all programs of a case read: the interpreter takes some 10 ms for each
_LONG_EVERY = 20  # a case has more bits than these groups allow, with one tile and one program of queries
_LABELS = ("classes", "few classes", "other classes", "sets", "no sets", "class of query", "class of item")
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """Codes, bool [q, bits] and [n, bits], and labels of both."""

    query: npt.NDArray[np.bool_]
    database: npt.NDArray[np.bool_]
    labels: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    k: int
    name: str


def draw(rng: np.random.Generator, number: int) -> Case:
    """A case around the edges of words and tiles, with many ties; some by their number of long codes."""
    long = number % _LONG_EVERY == _LONG_EVERY // 2
    while True:
        bits = int(rng.choice(rng.integers(1, (33, 130, MOST_BITS + 1))))
        tiles, queries = int(rng.integers(0, 4)), int(rng.integers(1, 10))
        items = max(
            1, tiles * TILE_ITEMS + int(rng.choice([-33, -1, 0, 1, int(rng.integers(-TILE_ITEMS, TILE_ITEMS))]))
        )
        groups = -(-bits // 8) * -(-bits // 64) * -(-items // TILE_ITEMS) * -(-queries // 4)
        if (bits > 96 and items <= TILE_ITEMS and queries <= 4) if long else groups <= _MOST_GROUPS:
            break
    density, kind = rng.choice([0.02, 0.3, 0.5, 0.9]), str(rng.choice(_LABELS))
    query, database = rng.random((queries, bits)) < density, rng.random((items, bits)) < density
    if rng.random() < 0.3:
        database = database[rng.integers(0, items, items) % 3]  # three codes at most
    if rng.random() < 0.5:
        query[0] = rng.choice([database[-1], ~database[0]])
    if long or rng.random() < 0.3:
        database[-1] = ~database[0]  # may be alone among the distances of its chunk
    k = int(rng.choice([1, items, int(rng.integers(1, items + 1)), min(items, 32)]))
    return Case(
        query, database, _draw_labels(kind, queries, items, rng), k, f"{bits} bits, {queries} x {items}, {kind}, {k=}"
    )


def _draw_labels(
    kind: str, queries: int, items: int, rng: np.random.Generator
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    classes = 2 if kind == "few classes" else int(rng.integers(1, 40))
    numbers = rng.integers(0, classes, queries), rng.integers(0, classes, items)
    if kind == "other classes":
        return numbers[0] + classes, numbers[1]
    if kind.endswith("classes"):
        return numbers
    share = min(0.5, 1.5 / classes)
    sets = rng.random((queries, classes)) < share, (rng.random((items, classes)) < share) & (kind != "no sets")
    return {"class of query": (numbers[0], sets[1]), "class of item": (sets[0], numbers[1])}.get(kind, sets)


def plain(case: Case, kernel: str) -> Arrays:
    """What the matrix of all pairs says."""
    distances = (case.query[:, None] != case.database).sum(axis=2)
    if kernel == "collect_nearest":
        ids = np.argsort(distances, axis=1, kind="stable")[:, : case.k]
        return {"ids": ids, "distances": np.take_along_axis(distances, ids, axis=1)}
    relevant = _shared(case.labels) > 0
    groups = np.arange(case.query.shape[1] + 1)[:, None]
    counts = [np.array([(row == groups) @ weight for row, weight in zip(distances, table, strict=True)])
              for table in (np.ones_like(distances), relevant.astype(int))]  # fmt: skip
    return {"items": counts[0], "relevant": counts[1]}


def _shared(labels: tuple[npt.NDArray[Any], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    classes = max(int(side.max(initial=0)) + 1 if side.ndim == 1 else side.shape[1] for side in labels)
    hot = [np.eye(classes, dtype=int)[side] if side.ndim == 1 else side.astype(int) for side in labels]
    return np.asarray(hot[0] @ hot[1].T)


def found(backend: Any, case: Case, kernel: str) -> Arrays:
    """What a backend says; of sets of labels the gains as well."""
    codes = Codes.pack(case.query), Codes.pack(case.database)
    if kernel == "collect_nearest":
        return dict(zip(("ids", "distances"), backend.index(codes[1]).topk(codes[0], case.k), strict=True))
    items, relevant = backend.histograms(*codes, case.labels)
    results = {"items": items, "relevant": relevant}
    if all(side.ndim == 2 for side in case.labels) and case.labels[0].any():
        *_, gains = backend.graded_histograms(*codes, case.labels)
        assert isinstance(gains, Gains)
        results |= {name: getattr(gains, name) for name in ("shared", "exponential", "at_least", "labels")}
    return results


def take_single_numbers_as_bounds() -> None:
    """Triton 3.6's interpreter makes a bound of an array of one number by int(), which numpy 2.5 refuses."""
    usual = interpreter._patch_lang_tensor

    def patch(tensor: Any, scope: Any) -> None:
        usual(tensor, scope)
        tensor.__index__ = lambda self: self.handle.data.item()

    interpreter._patch_lang_tensor = patch


def main(kernel: str, cases: int, seed: int) -> int:
    """Compare so many cases; 1 at the first that differs."""
    triton_counting.MAX_CHUNKS = 0 if kernel == "count_long_distances" else MAX_CHUNKS
    rng, backend, numba = np.random.default_rng(seed), TritonBackend(torch.device("cpu")), BitSlicedBackend()
    for number in range(cases):
        case = draw(rng, number)
        triton_counting._PROGRAMS = int(rng.choice([1, 6, 1 << 13]))  # all tiles in a segment, some, one
        together = number % 2 == 1  # all and relevant items are counted, or one after the other as on older GPUs
        triton_counting.WIDE_CAPABILITY = 90 if together else 1000
        results, wanted = found(backend, case, kernel), found(numba, case, kernel)
        for name, values in results.items():
            others = [each[name] for each in (wanted, plain(case, kernel)) if name in each]
            if not all(np.array_equal(values, other) for other in others):
                print(f"{kernel}, case {number} of seed {seed}: {name} differ ({case.name})")
                return 1
    print(f"{kernel}: {cases} cases agree")
    return 0


if __name__ == "__main__":
    take_single_numbers_as_bounds()
    sys.exit(any(main(kernel, int(sys.argv[2]), int(sys.argv[3])) for kernel in sys.argv[1].split(",")))
