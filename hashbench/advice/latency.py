"""How long one query takes: encoding it, finding candidates by codes, rescoring them by the float vectors."""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.advice.asymmetric import LookupScan
from hashbench.advice.result import Latencies, Latency, Ranking
from hashbench.advice.sample import Sample
from hashbench.advice.trial import encode
from hashbench.codes import Codes
from hashbench.dataset import Distance
from hashbench.method import HashMethod
from hashbench.search.index import HammingIndex

CALLS, LEAST_CALLS = 200, 20
SECONDS = 0.5  # of one figure, where there is time
SHARE = 0.1  # of the budget, for all figures together


def seconds_each(budget: float, figures: int) -> float:
    """Time for one of so many figures."""
    return min(SECONDS, SHARE * budget / figures)


def code_latency(
    method: HashMethod,
    ranking: Ranking,
    codes: Codes,
    sample: Sample,
    distance: Distance,
    k: int,
    m: int,
    seconds: float,
) -> Latencies:
    """Latencies of the confirming queries, one at a time, in the first rows of the sample, which the codes are of.

    Each of the three figures takes so many ``seconds``.
    """
    rows, count = sample.rows[: len(codes)], min(k * m, len(codes))
    queries = sample.queries[sample.choosing :][:CALLS]
    searches: list[Callable[[], npt.NDArray[np.int64]]]
    encodes: list[Callable[[], object]]
    if ranking == "hamming":
        index = HammingIndex(codes, rows.device)
        packed = [encode(method, query[None]) for query in queries]
        searches = [partial(_nearest, index, query, count) for query in packed]
        encodes = [partial(encode, method, query[None]) for query in queries]
    else:
        scan = LookupScan(codes)
        projected = [_projected(method, query) for query in queries]
        searches = [partial(scan.search, query, count) for query in projected]
        encodes = [partial(_projected, method, query) for query in queries]
    found = [search() for search in searches[:LEAST_CALLS]]
    rescores = [
        partial(_rescored, query, rows, torch.from_numpy(items).to(rows.device), distance, k)
        for query, items in zip(queries, found, strict=False)
    ]
    stages: tuple[Sequence[Callable[[], object]], ...] = (encodes, searches, rescores)
    return Latencies(*(measure(calls, rows.device, seconds) for calls in stages))


def float_latency(sample: Sample, distance: Distance, k: int, seconds: float) -> Latency:
    """Latency of a search through all float vectors of the sample, whose lengths are known before."""
    lengths = _lengths(sample.rows)
    calls = [partial(_nearest_floats, query, sample.rows, lengths, distance, k) for query in sample.queries[:CALLS]]
    return measure(calls, sample.rows.device, seconds)


def measure(calls: Sequence[Callable[[], object]], device: torch.device, seconds: float) -> Latency:
    """Milliseconds of the calls, which take turns for so many seconds, at least twenty times."""
    calls[0]()
    taken: list[float] = []
    end = perf_counter() + seconds
    while len(taken) < LEAST_CALLS or (perf_counter() < end and len(taken) < CALLS):
        _synchronise(device)
        start = perf_counter()
        calls[len(taken) % len(calls)]()
        _synchronise(device)
        taken.append(1000 * (perf_counter() - start))
    p5, p50, p95 = np.percentile(taken, (5, 50, 95))
    return Latency(float(p50), float(p5), float(p95), len(taken))


def _nearest(index: HammingIndex, query: Codes, count: int) -> npt.NDArray[np.int64]:
    ids, _ = index.search(query, count)
    row: npt.NDArray[np.int64] = ids[0]
    return row


def _projected(method: HashMethod, query: Tensor) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        projected = method.project(query[None])
    assert projected is not None
    result: npt.NDArray[np.float32] = projected[0].float().cpu().numpy()
    return result


def _rescored(query: Tensor, rows: Tensor, items: Tensor, distance: Distance, k: int) -> Tensor:
    """The k nearest of the candidates, read from among all rows."""
    candidates = rows[items]
    return items[_nearest_floats(query, candidates, _lengths(candidates), distance, min(k, len(items)))]


def _lengths(rows: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=1)
    return lengths


def _nearest_floats(query: Tensor, rows: Tensor, lengths: Tensor, distance: Distance, k: int) -> Tensor:
    """Int64 [k], rows."""
    products = rows @ query
    if distance == "l2":
        products = 2 * products - lengths.square()
    elif distance == "cosine":
        products = products / lengths
    nearest: Tensor = products.topk(k).indices
    return nearest


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
