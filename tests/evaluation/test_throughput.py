"""Throughput: what is measured and in which shape; never how fast this machine is."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.evaluation import throughput
from hashbench.evaluation.throughput import (
    encode_throughput,
    measure_rate,
    percentiles,
    search_rates,
    search_throughput,
)


def codes(rows: int, bits: int, seed: int) -> Codes:
    return Codes.pack(np.random.default_rng(seed).random((rows, bits)) < 0.5)


class Clock:
    """A clock that moves only when a test says so, in place of the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(throughput, "perf_counter", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_rate_is_items_by_seconds_without_the_warm_up(clock: Clock) -> None:
    durations = iter([100.0, 1.0, 2.0, 4.0])

    def call() -> None:
        clock.now += next(durations)

    assert measure_rate(call, items=8, seconds=3.5) == {"median": 4, "q1": 3, "q3": 6, "calls": 3}


def test_runs_are_repeated_until_the_time_is_over(clock: Clock) -> None:
    calls: list[float] = []

    def call() -> None:
        clock.now += 0.25
        calls.append(clock.now)

    measure_rate(call, items=1, seconds=2)
    assert len(calls) == 1 + 8


def test_encoding_reports_its_best_batch_and_single_items(clock: Clock) -> None:
    seconds = {1: 0.01, 4: 0.02, 16: 0.04, 20: 0.08}

    def encode(batch: Tensor) -> Tensor:
        clock.now += seconds[len(batch)]
        return batch.flatten(1) > 0

    measured = encode_throughput(encode, torch.zeros(20, 3, 4, 4, dtype=torch.uint8), None, None, seconds=1)
    best = {"median": 400, "q1": 400, "q3": 400, "calls": 25, "batch": 16}
    single = {"median": 100, "q1": 100, "q3": 100, "calls": 100}
    rates = measured["images_per_s"]
    assert rates is not None
    assert rates.pop("single") == pytest.approx(single)
    assert rates == pytest.approx(best)
    assert measured["features_per_s"] is None


def test_batches_stop_growing_when_one_would_take_too_long(clock: Clock) -> None:
    seen: set[int] = set()

    def encode(batch: Tensor) -> Tensor:
        seen.add(len(batch))
        clock.now += 0.01 * len(batch)
        return batch > 0

    encode_throughput(None, None, encode, torch.zeros(500, 8), seconds=0.05)
    assert seen == {1, 4}


def test_something_to_call_needs_something_to_call_it_with() -> None:
    with pytest.raises(ValueError, match="no batch to give to it"):
        encode_throughput(None, None, lambda batch: batch, None)


def test_search_leaves_out_ranks_beyond_the_database() -> None:
    measured = search_throughput(codes(5, 60, 0), codes(300, 60, 1), "cpu", seconds=0.001)
    assert measured["search"].keys() == {"1", "10", "100"}
    assert measured["bytes_per_item"] == 8
    for rates in measured["search"].values():
        assert rates["queries_per_s"].keys() == {"median", "q1", "q3", "calls"}
        assert rates["calls"] >= 200
        latency = rates["latency_ms"]
        assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]


def test_percentiles_stand_on_enough_calls(clock: Clock) -> None:
    """Two slower calls beside each: 40 for the 95th, 200 for the 99th; a search too slow for that has fewer."""
    assert percentiles(np.ones(39)).keys() == {"p50"}
    assert percentiles(np.ones(40)).keys() == percentiles(np.ones(199)).keys() == {"p50", "p95"}
    assert percentiles(np.arange(1.0, 201.0)) == pytest.approx({"p50": 100.5, "p95": 190.05, "p99": 198.01})

    class Slow:
        device, bytes_per_item = torch.device("cpu"), 1

        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        def __len__(self) -> int:
            return 1

        def search(self, query: Codes, k: int) -> None:
            clock.now += self.seconds

    for seconds, calls, known in ((0.001, 1000, 3), (0.1, 200, 3), (2.0, 50, 2), (40.0, 3, 1)):
        measured = search_rates(cast("Any", Slow(seconds)), codes(5, 8, 0), seconds=1)["search"]["1"]
        assert measured["calls"] == pytest.approx(calls, abs=1)
        assert len(measured["latency_ms"]) == known


def test_batches_stop_growing_where_the_device_has_no_memory_for_more() -> None:
    def encode(batch: Tensor) -> Tensor:
        if len(batch) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return batch > 0

    rates = encode_throughput(None, None, encode, torch.zeros(500, 8), seconds=0.001)["features_per_s"]
    assert rates is not None
    assert rates["batch"] in (1, 4)

    def never(batch: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        encode_throughput(None, None, never, torch.zeros(500, 8), seconds=0.001)
