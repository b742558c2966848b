"""Search in two stages: the nearest of a shortlist by their vectors, and what is measured of it."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hashbench.codes import Codes
from hashbench.dataset import Distance
from hashbench.evaluation.evaluate import evaluate
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.evaluation.rescoring import nearest_of, rescoring_throughput, two_stages
from hashbench.search.index import HammingIndex

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 8)).astype(np.float32)
Q = RNG.standard_normal((20, 8)).astype(np.float32)


def read(rows: npt.NDArray[np.int64]) -> torch.Tensor:
    return torch.from_numpy(X[rows])


def distances(distance: Distance) -> npt.NDArray[np.float64]:
    """Float64 [q, n], less is nearer."""
    query, base = Q.astype(np.float64), X.astype(np.float64)
    if distance == "l2":
        squares: npt.NDArray[np.float64] = ((query[:, None] - base[None]) ** 2).sum(-1)
        return squares
    if distance == "cosine":
        base = base / np.linalg.norm(base, axis=1, keepdims=True)
    products: npt.NDArray[np.float64] = -(query @ base.T)
    return products


@pytest.mark.parametrize("distance", ["l2", "cosine", "ip"])
def test_the_nearest_candidates_are_those_of_the_distance(distance: Distance) -> None:
    expected = distances(distance)
    for row, query in enumerate(torch.from_numpy(Q)):
        places = nearest_of(query, torch.from_numpy(X), distance, 10)
        assert places.tolist() == expected[row].argsort()[:10].tolist()
    assert sorted(nearest_of(query, torch.from_numpy(X[:4]), distance, 10).tolist()) == [0, 1, 2, 3]


def test_a_vector_of_zeros_has_no_cosine_and_divides_nothing() -> None:
    candidates = torch.tensor([[0.0, 0.0], [1.0, 0.1], [-1.0, 0.0]])
    assert nearest_of(torch.tensor([1.0, 0.0]), candidates, "cosine", 3).tolist() == [1, 0, 2]


@pytest.mark.parametrize("distance", ["l2", "cosine", "ip"])
def test_what_both_stages_find_is_the_share_that_the_curve_says(distance: Distance) -> None:
    """Codes of 64 random projections; of the tie at the shortlist's end the curve has the mean over all orders."""
    planes = RNG.standard_normal((8, 64))
    codes, queries = (Codes.pack(x @ planes > 0) for x in (X, Q))
    neighbours = nearest_neighbours(Q, X, distance, 10)
    curve = evaluate(queries, codes, None, None, neighbours=nearest_neighbours(Q, X, distance, 100)).curves[
        "neighbours"
    ]
    index = HammingIndex(codes, "cpu")
    for m in (1, 3, 10, 30):
        hits = 0
        for row, query in enumerate(torch.from_numpy(Q)):
            found = two_stages(index, queries[row : row + 1], query, read, distance, 10 * m)[0]
            assert np.array_equal(found, found[distances(distance)[row][found].argsort()])
            nearest = neighbours.rows[neighbours.starts[row] : neighbours.starts[row + 1]]
            hits += len(np.intersect1d(found, nearest))
        assert hits / 200 == pytest.approx(curve["recall"][m - 1], abs=0.04)
    assert hits == 200


def test_shortlists_that_the_database_can_fill_are_measured_with_enough_calls() -> None:
    codes = Codes.pack(X > 0)
    recall = {m: m / 100 for m in range(1, 101)}
    measured = rescoring_throughput(
        HammingIndex(codes, "cpu"), codes[:3], torch.from_numpy(X[:3]), read, "l2", recall, seconds=0
    )
    assert measured["k"] == 10
    assert list(measured["shortlists"]) == ["1", "2", "3", "5", "10", "20"]
    for m, stages in measured["shortlists"].items():
        assert stages["recall"] == int(m) / 100
        assert stages["calls"] == 40
        for stage in ("scan_ms", "rescoring_ms"):
            assert 0 < stages[stage]["p50"] <= stages[stage]["p95"]
