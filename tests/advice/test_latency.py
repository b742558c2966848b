"""What is timed does what it says."""

import numpy as np
import pytest
import torch

from hashbench.advice import latency
from hashbench.dataset import DISTANCES, Distance
from hashbench.evaluation.nearest import nearest_neighbours


@pytest.mark.parametrize("distance", DISTANCES)
def test_rescoring_and_the_float_search_find_the_nearest(distance: Distance) -> None:
    rng = np.random.default_rng(0)
    rows, query = rng.standard_normal((200, 6)).astype(np.float32), rng.standard_normal((1, 6)).astype(np.float32)
    tensor, wanted = torch.from_numpy(rows), set(nearest_neighbours(query, rows, distance, 5).rows.tolist())
    lengths = latency._lengths(tensor)
    found = latency._nearest_floats(torch.from_numpy(query[0]), tensor, lengths, distance, 5)
    assert set(found.tolist()) == wanted
    items = torch.from_numpy(rng.permutation(np.union1d(list(wanted), np.arange(100, 150))))
    assert set(latency._rescored(torch.from_numpy(query[0]), tensor, items, distance, 5).tolist()) == wanted
    assert len(latency._rescored(torch.from_numpy(query[0]), tensor, items[:3], distance, 5)) == 3


def test_calls_are_counted_and_their_order_statistics_ordered() -> None:
    calls = []
    found = latency.measure([lambda: calls.append(1), lambda: calls.append(2)], torch.device("cpu"), 0.0)
    assert found.calls == latency.LEAST_CALLS
    assert len(calls) == 1 + found.calls
    assert 0 <= found.p5 <= found.p50 <= found.p95
