"""Rates of encoding and search: repeated runs after a warm-up, the device synchronised, median and quartiles."""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.evaluation.ranking import FloatArray
from hashbench.search.index import HammingIndex
from hashbench.search.scan import ScanIndex
from hashbench.util.device import out_of_memory

Encode = Callable[[Tensor], Tensor]
Rates = dict[str, Any]

SEARCH_RANKS = (1, 10, 100, 1000)

PERCENTILES = (50, 95, 99)

_MIN_RUNS = 3
_BATCH_GROWTH = 4  # from one batch size to the next
_BEYOND = 2  # calls that have to be slower than a percentile: 200 calls for p99, 40 for p95
_PATIENCE = 100  # times the time of a figure: whoever is so slow has no p99


def measure_rate(
    call: Callable[[], object], items: int, seconds: float = 0.3, device: torch.device | str = "cpu"
) -> dict[str, float]:
    """Items per second of a call that handles ``items`` of them.

    Args:
        call: what is measured; called once before the clock starts.
        items: how many items one call handles.
        seconds: how long to repeat it; at least three runs are made.
        device: synchronised before the clock is read.

    Returns:
        "median", "q1" and "q3" of the runs' rates, in items per second, and "calls", the number of runs.
    """
    return _quartiles(items / _durations([call], seconds, torch.device(device)))


def percentiles(milliseconds: FloatArray) -> dict[str, float]:
    """Percentiles of latencies, "p50", "p95" and "p99"; those left out that fewer than two calls would lie beyond."""
    enough = [p for p in PERCENTILES if p == PERCENTILES[0] or len(milliseconds) >= calls_for(p)]
    return {f"p{p}": float(np.percentile(milliseconds, p)) for p in enough}


def calls_for(percentile: int) -> int:
    """How many calls a percentile needs."""
    return _BEYOND * 100 // (100 - percentile)


def encode_throughput(
    images_to_codes: Encode | None,
    images: Tensor | None,
    features_to_codes: Encode | None,
    features: Tensor | None,
    seconds: float = 0.3,
) -> dict[str, Rates | None]:
    """Encoding rates from decoded images and from features.

    Batches of 1, 4, 16, ... and all items given are tried, as long as a batch is expected to take no more than
    ``seconds`` and the device has memory for it.

    Args:
        images_to_codes: uint8 images [n, 3, h, w] to codes; None where the method does not read images.
        images: a batch of them on the device that is measured, as large as the largest batch to try.
        features_to_codes: float32 features [n, d] to codes; None where the method does not read features.
        features: a batch of them, likewise.
        seconds: time for each batch size.

    Returns:
        "images_per_s" and "features_per_s": "median", "q1", "q3" and "batch" of the batch size with the best median,
        and "single", the quartiles with batches of one item; None where there is nothing to measure.

    Raises:
        ValueError: a callable without its batch.
    """
    return {
        "images_per_s": _encode_rates(images_to_codes, images, seconds),
        "features_per_s": _encode_rates(features_to_codes, features, seconds),
    }


def search_throughput(
    query: Codes, database: Codes, device: torch.device | str = "auto", seconds: float = 0.3
) -> dict[str, Any]:
    """Rates and latencies of exact Hamming search for k = 1, 10, 100 and 1000.

    Args:
        query: codes to search for; rates are those of all of them at once.
        database: codes to search in; a k beyond its size is left out.
        device: where the index lies.
        seconds: time for each figure.

    Returns:
        "search": by k, "queries_per_s" ("median", "q1", "q3", "calls"), "latency_ms" of single queries ("p50", "p95",
        "p99", see :func:`percentiles`) and "calls", the number of these; "bytes_per_item": size of the index.
    """
    return search_rates(HammingIndex(database, device), query, seconds)


def search_rates(index: HammingIndex | ScanIndex, queries: Codes | Tensor, seconds: float = 0.3) -> dict[str, Any]:
    """The same of any index, for what it takes as queries."""
    ranks = [k for k in SEARCH_RANKS if k <= len(index)]
    return {
        "search": {str(k): _rates_for(index, queries, k, seconds) for k in ranks},
        "bytes_per_item": index.bytes_per_item,
    }


def _encode_rates(encode: Encode | None, batch: Tensor | None, seconds: float) -> Rates | None:
    if encode is None:
        return None
    if batch is None or len(batch) == 0:
        raise ValueError("throughput: a callable that encodes, but no batch to give to it")
    rates = {}
    for size in _batch_sizes(len(batch)):
        try:
            rates[size] = measure_rate(partial(encode, batch[:size]), size, seconds, batch.device)
        except Exception as error:
            if size == 1 or not out_of_memory(error):
                raise
            break
        if _BATCH_GROWTH * size / rates[size]["median"] > seconds:
            break
    best = max(rates, key=lambda size: rates[size]["median"])
    return {**rates[best], "batch": best, "single": rates[1]}


def _batch_sizes(most: int) -> list[int]:
    sizes = [1]
    while sizes[-1] < most:
        sizes.append(min(most, sizes[-1] * _BATCH_GROWTH))
    return sizes


def _rates_for(index: HammingIndex | ScanIndex, query: Codes | Tensor, k: int, seconds: float) -> Rates:
    search: Callable[[Any, int], object] = index.search
    calls = [partial(search, query[row : row + 1], k) for row in range(len(query))]
    latencies = 1000 * _durations(calls, seconds, index.device, calls_for(PERCENTILES[-1]))
    return {
        "queries_per_s": measure_rate(partial(search, query, k), len(query), seconds, index.device),
        "latency_ms": percentiles(latencies),
        "calls": len(latencies),
    }


def _durations(
    calls: Sequence[Callable[[], object]], seconds: float, device: torch.device, wanted: int = _MIN_RUNS
) -> FloatArray:
    """Seconds of each run; the calls take turns until the time is over and ``wanted`` runs are made.

    Runs so slow that these take a hundred times as long end then, when there are three.
    """
    calls[0]()
    _synchronise(device)
    durations: list[float] = []
    begin = start = perf_counter()
    while len(durations) < _MIN_RUNS or start < begin + (seconds if len(durations) >= wanted else _PATIENCE * seconds):
        calls[len(durations) % len(calls)]()
        _synchronise(device)
        end = perf_counter()
        durations.append(end - start)
        start = end
    return np.asarray(durations)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _quartiles(rates: FloatArray) -> dict[str, float]:
    q1, median, q3 = np.percentile(rates, (25, 50, 75))
    return {"median": float(median), "q1": float(q1), "q3": float(q3), "calls": len(rates)}
