"""Search in two stages: a shortlist by Hamming distance, ranked anew by the float vectors; how long each takes."""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.dataset import Distance
from hashbench.evaluation.headline import NEIGHBOURS_CURVE_K
from hashbench.evaluation.ranking import IntArray
from hashbench.search.index import HammingIndex

MEASURED_MULTIPLES = (1, 2, 3, 5, 10, 20, 50, 100)  # m, of shortlists of 10 m candidates
PERCENTILES = (50, 95)
MIN_CALLS = 40  # two of them are slower than the 95th percentile

ReadVectors = Callable[[IntArray], Tensor]


def nearest_of(query: Tensor, candidates: Tensor, distance: Distance, k: int) -> Tensor:
    """The places of the ``k`` candidates that are nearest to a query by their vectors, nearest first.

    Args:
        query: float32 [d].
        candidates: float32 [n, d] on the same device.
        distance: "l2", "cosine" or "ip".
        k: how many; all where there are fewer candidates.

    Returns:
        int64 [min(k, n)].
    """
    if distance == "l2":
        scores = (candidates - query).square().sum(dim=1)
    else:
        scores = -(candidates @ query)
        if distance == "cosine":
            lengths = torch.linalg.vector_norm(candidates, dim=1)
            scores = scores / torch.where(lengths > 0, lengths, 1)
    return scores.topk(min(k, len(candidates)), largest=False, sorted=True).indices


def two_stages(
    index: HammingIndex, query: Codes, vector: Tensor, read: ReadVectors, distance: Distance, candidates: int
) -> tuple[IntArray, float, float]:
    """The 10 nearest items of one query: a shortlist by its code, then the nearest of these by its vector.

    Args:
        index: of the database's codes.
        query: its code, one.
        vector: float32 [d], on the device where vectors are compared.
        read: rows of the database, int64 [n], to their vectors, float32 [n, d] on that device.
        distance: of the vectors.
        candidates: length of the shortlist.

    Returns:
        Rows of the database, int64 [10], nearest first; seconds of the search by codes; seconds of reading the
        candidates' vectors and ranking by them.
    """
    start = perf_counter()
    rows = index.search(query, candidates)[0][0]  # waits for the device, and so does what follows
    scanned = perf_counter()
    places = nearest_of(vector, read(rows), distance, NEIGHBOURS_CURVE_K).cpu().numpy()
    return rows[places], scanned - start, perf_counter() - scanned


def rescoring_throughput(
    index: HammingIndex,
    query: Codes,
    vectors: Tensor,
    read: ReadVectors,
    distance: Distance,
    recall: Mapping[int, float],
    seconds: float = 0.3,
) -> dict[str, Any]:
    """Latencies of both stages for shortlists of 10 m candidates, m = 1, 2, 3, 5, 10, 20, 50, 100.

    Args:
        index: of the database's codes.
        query: codes of queries, which take turns, one at a time.
        vectors: theirs, float32 [q, d].
        read: see :func:`two_stages`.
        distance: of the vectors.
        recall: by m, the share of the 10 nearest that the shortlist holds; ranked anew, it holds them first.
        seconds: time for each m; at least :data:`MIN_CALLS` calls are made.

    Returns:
        {"k": 10, "shortlists": {"1": {"recall", "calls", "scan_ms": {"p50", "p95"}, "rescoring_ms": likewise}, ...}};
        an m whose shortlist is longer than the database is left out.
    """

    def call(number: int, candidates: int) -> tuple[float, float]:
        row = number % len(query)
        return two_stages(index, query[row : row + 1], vectors[row], read, distance, candidates)[1:]

    shortlists = {}
    for m in MEASURED_MULTIPLES:
        candidates = NEIGHBOURS_CURVE_K * m
        if candidates > len(index):
            break
        call(0, candidates)
        times: list[tuple[float, float]] = []
        end = perf_counter() + seconds
        while len(times) < MIN_CALLS or perf_counter() < end:
            times.append(call(len(times), candidates))
        scan, rescoring = zip(*times, strict=True)
        stages = {"scan_ms": _percentiles(scan), "rescoring_ms": _percentiles(rescoring)}
        shortlists[str(m)] = {"recall": recall[m], "calls": len(times), **stages}
    return {"k": NEIGHBOURS_CURVE_K, "shortlists": shortlists}


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    return {f"p{p}": float(np.percentile(seconds, p)) * 1000 for p in PERCENTILES}
