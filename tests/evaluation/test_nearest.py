"""Exact neighbours: those of a plain search and of faiss, ties among them, in blocks of any size."""

from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import pytest
import torch

from hashbench.dataset import DISTANCES, Distance
from hashbench.errors import UsageError
from hashbench.evaluation import nearest
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.evaluation.neighbours import Neighbours

Rows = npt.NDArray[Any]


def distances(query: Rows, database: Rows, distance: Distance) -> npt.NDArray[np.float32]:
    """Every pair, one by one, in float64, rounded once."""
    table = np.empty((len(query), len(database)))
    for row, one in enumerate(query.astype(np.float64)):
        for column, other in enumerate(database.astype(np.float64)):
            product = float(one @ other)
            lengths = float(np.sqrt((one @ one) * (other @ other))) or 1.0
            each = {"l2": ((one - other) ** 2).sum(), "cosine": -product / lengths, "ip": -product}
            table[row, column] = each[distance]
    return table.astype(np.float32)


def listed(found: Neighbours, query: int) -> list[int]:
    return [int(row) for row in found.rows[found.starts[query] : found.starts[query + 1]]]


def plain(query: Rows, database: Rows, distance: Distance, k: int) -> list[list[int]]:
    table = distances(query, database, distance)
    ranked = [np.lexsort((np.arange(len(database)), row)) for row in table]
    return [order[row[order] <= np.sort(row)[k - 1]].tolist() for order, row in zip(ranked, table, strict=True)]


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("spare", [156, 3, 0])
@pytest.mark.parametrize("numbers", [1 << 22, 64])
def test_they_are_those_of_a_plain_search(
    distance: Distance, spare: int, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "SPARE", spare)
    monkeypatch.setattr(nearest, "_CPU_NUMBERS", numbers)
    rng = np.random.default_rng(spare)
    database = (rng.standard_normal((150, 5)) * rng.random((150, 1)) + 20).astype(np.float32)
    query = (rng.standard_normal((9, 5)) + 20).astype(np.float32)
    found = nearest_neighbours(query, database, distance, 12)
    assert [listed(found, row) for row in range(9)] == plain(query, database, distance, 12)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("spare", [156, 0])
def test_all_that_tie_with_the_last_are_there(distance: Distance, spare: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "SPARE", spare)
    database = np.random.default_rng(0).integers(-2, 3, (120, 3)).astype(np.float32)
    query = database[:10] + np.float32(0.5)
    found = nearest_neighbours(query, database, distance, 4)
    assert [listed(found, row) for row in range(10)] == plain(query, database, distance, 4)
    assert max(map(len, (listed(found, row) for row in range(10)))) > 4
    nearer, near = found.bounds(4)
    assert (nearer < 4).all()
    assert (near >= 4).all()


def test_equal_vectors_tie_wherever_they_stand() -> None:
    rows = np.random.default_rng(1).standard_normal((3000, 96)).astype(np.float32) + 7
    order = np.random.default_rng(2).permutation(6000)
    found = nearest_neighbours(rows[:20], np.concatenate([rows, rows])[order], "l2", 10)
    values = [found.values[found.starts[row] : found.starts[row] + 10].tolist() for row in range(20)]
    assert all(value[::2] == value[1::2] for value in values)
    assert all(value[0] == 0 for value in values)


def test_a_cosine_does_not_hang_on_lengths() -> None:
    rows = np.random.default_rng(3).standard_normal((200, 16)).astype(np.float32)
    lengths = np.random.default_rng(4).choice([1e-3, 0.3, 3, 1e4], (200, 1)).astype(np.float32)
    found, scaled = (nearest_neighbours(rows[:9], each, "cosine", 5) for each in (rows, rows * lengths))
    assert np.array_equal(found.rows, scaled.rows)


@pytest.mark.parametrize("distance", DISTANCES)
def test_they_are_those_of_faiss_but_for_ties(distance: Distance) -> None:
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((50, 128))
    database = (centres[rng.integers(0, 50, 20_000)] + rng.standard_normal((20_000, 128)) / 2).astype(np.float32)
    query = (centres[rng.integers(0, 50, 40)] + rng.standard_normal((40, 128)) / 2).astype(np.float32)
    found = nearest_neighbours(query, database, distance, 100)
    q, x = query.copy(), database.copy()
    if distance == "cosine":
        faiss.normalize_L2(q)
        faiss.normalize_L2(x)
    index = faiss.IndexFlatL2(128) if distance == "l2" else faiss.IndexFlatIP(128)
    index.add(x)
    theirs, rows = index.search(q, 100)
    for row in range(40):
        other = set(listed(found, row)) ^ set(rows[row].tolist())
        last = theirs[row, -1]
        product = q[row].astype(np.float64) @ x[list(other)].T
        exact = ((q[row] - x[list(other)].astype(np.float64)) ** 2).sum(1) if distance == "l2" else product
        assert np.allclose(exact, last, rtol=1e-5), "only what ties with the last one, as faiss rounds it"
    sign = 1 if distance == "l2" else -1
    assert np.allclose(sign * found.values[found.starts[:-1]], theirs[:, 0], rtol=1e-4, atol=1e-5)


def test_numbers_of_any_dtype_and_rows_read_block_by_block() -> None:
    database = np.random.default_rng(6).integers(0, 255, (300, 20)).astype(np.uint8)

    class Blocks:
        dimension = 20

        def __len__(self) -> int:
            return 300

        def __getitem__(self, rows: slice) -> torch.Tensor:
            return torch.from_numpy(database[rows].astype(np.float32))

    found = nearest_neighbours(database[:7].astype(np.float16), Blocks(), "l2", 9)
    assert [listed(found, row) for row in range(7)] == plain(database[:7], database, "l2", 9)


def test_what_cannot_be_ranked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.ones((30, 4), dtype=np.float32)
    with pytest.raises(UsageError, match=r"the 31 nearest of 30 vectors.*at least 31"):
        nearest_neighbours(rows, rows, "l2", 31)
    with pytest.raises(ValueError, match="4 dimensions and the database 3"):
        nearest_neighbours(rows, rows[:, :3], "l2", 5)
    with pytest.raises(ValueError, match="not finite"):
        nearest_neighbours(rows, rows * np.float32(np.nan), "ip", 5)
    monkeypatch.setattr(nearest, "MAX_PAIRS", 100)
    monkeypatch.setattr(nearest, "SPARE", 0)
    with pytest.raises(UsageError, match="no ranking"):
        nearest_neighbours(rows, rows, "l2", 5)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1e14, 1e-14])
def test_large_and_small_numbers_have_the_neighbours_of_others(distance: Distance, scale: float) -> None:
    rng = np.random.default_rng(0)
    database, query = rng.standard_normal((150, 5)).astype(np.float32), rng.standard_normal((9, 5)).astype(np.float32)
    rows = query * np.float32(scale), database * np.float32(scale)
    found = nearest_neighbours(*rows, distance, 12)
    assert [listed(found, row) for row in range(9)] == plain(*rows, distance, 12)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1e20, 1e-20])
def test_numbers_whose_squares_float32_does_not_hold_are_refused(distance: Distance, scale: float) -> None:
    rows = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    with pytest.raises(UsageError, match=r"(query|database) vectors have .*e[+-].*multiply all vectors by one factor"):
        nearest_neighbours(rows * np.float32(scale), rows * np.float32(scale), distance, 5)
    with pytest.raises(UsageError, match="database vectors have"):
        nearest_neighbours(rows, rows * np.float32(scale), distance, 5)


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_row_far_from_all_others_does_not_blur_their_ranking(
    distance: Distance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "SPARE", 20)
    monkeypatch.setattr(nearest, "MAX_PAIRS", 9 * 60)
    rng = np.random.default_rng(0)
    database, query = rng.standard_normal((400, 5)).astype(np.float32), rng.standard_normal((9, 5)).astype(np.float32)
    database[7] = 3_000
    found = nearest_neighbours(query, database, distance, 12)
    assert [listed(found, row) for row in range(9)] == plain(query, database, distance, 12)


def test_a_row_that_is_almost_zero_is_refused_where_its_direction_counts() -> None:
    rows = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    small = rows.copy()
    small[3] *= 1e-30
    assert [listed(nearest_neighbours(rows, small, "l2", 5), row) for row in range(30)] == plain(rows, small, "l2", 5)
    with pytest.raises(UsageError, match="database vectors have one with no number above"):
        nearest_neighbours(rows, small, "cosine", 5)
    with pytest.raises(UsageError, match="query vectors have one with no number above"):
        nearest_neighbours(small, rows, "ip", 5)
