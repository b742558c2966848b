"""Groups of equal cosine similarity, against scikit-learn's similarities in float64."""

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics
import torch

from hashbench.evaluation import similarities
from hashbench.evaluation.similarities import similarity_histograms

Floats = npt.NDArray[np.float32]


def floats(rows: int, dimensions: int, seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def groups(query: Floats, database: Floats, classes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    """Items and relevant of all queries, which are of class 0, without empty groups at the end."""
    (block,) = similarity_histograms(query, database, np.zeros(len(query), int), classes)
    return block.items, block.relevant


def test_groups_come_in_descending_order_of_the_cosine() -> None:
    query, database = floats(5, 6, 0), floats(40, 6, 1) * 7
    classes = np.arange(40) % 3
    items, relevant = groups(query, database, classes)
    order = np.argsort(-sklearn.metrics.pairwise.cosine_similarity(query, database))
    assert (items == 1).all()
    assert np.array_equal(relevant, classes[order] == 0)


def test_equal_rows_tie_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product may round a row differently at another place (here: lengths that do); a ranking must not see that."""
    exact = similarities._lengths
    monkeypatch.setattr(similarities, "_lengths", lambda rows: exact(rows) * torch.linspace(1, 1.01, len(rows)))
    database = floats(50, 30, 1)
    doubled = np.concatenate([database, database[::-1]])
    counts, _ = groups(floats(4, 30, 0), doubled, np.arange(100) % 3)
    assert (counts == 2).all()


def test_zeros_of_either_sign_are_equal() -> None:
    rows = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0]])
    assert similarities._first_equal(rows).tolist() == [0, 1, 0]  # type: ignore[union-attr]
    assert similarities._first_equal(rows[:2]) is None
    block = similarities._groups(torch.tensor([[0.0, -0.0, -1.0, 0.5]]), torch.tensor([[True, False, True, False]]))
    assert (block.items.tolist(), block.relevant.tolist()) == ([[1, 2, 1]], [[0, 1, 1]])


def test_round_numbers_are_told_apart() -> None:
    """Bit patterns of small whole numbers end in zeros; their hashes must not."""
    database = np.stack(np.meshgrid(*[np.arange(1, 13)] * 4), axis=-1).reshape(-1, 4).astype(np.float32)
    query = np.array([[1.0, np.sqrt(2), np.pi, np.e]], dtype=np.float32)
    items, _ = groups(query, database, np.zeros(len(database), int))
    directions = {tuple(row // np.gcd.reduce(row)) for row in database.astype(int)}
    assert items.max() < 40
    assert items.shape[1] > 0.9 * len(directions)


def test_a_row_of_zeros_is_similar_to_nothing() -> None:
    database = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, 0.0], [0.0, -1.0], [-0.0, 0.0]])
    items, relevant = groups(np.array([[0.0, 2.0]], np.float32), database.astype(np.float32), np.array([0, 1, 0, 0, 1]))
    assert items.tolist() == [[2, 2, 1]]
    assert relevant.tolist() == [[1, 1, 1]]


def test_queries_with_fewer_groups_end_in_empty_ones() -> None:
    database = np.array([[1.0, 0.0], [1.0, 0.5], [1.0, -0.5]], np.float32)
    items, _ = groups(np.array([[1.0, 0.0], [0.3, 1.0]], np.float32), database, np.zeros(3, int))
    assert items.tolist() == [[1, 2, 0], [1, 1, 1]]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_same_ties() -> None:
    database = np.round(floats(500, 8, 1))
    classes = np.arange(500) % 3
    (block,) = similarity_histograms(np.round(floats(4, 8, 0)) + 1, np.tile(database, (2, 1)), np.zeros(4, int),
                                     np.tile(classes, 2), "cuda")  # fmt: skip
    assert (block.items % 2 == 0).all()


@pytest.mark.parametrize(
    ("query", "database", "message"),
    [
        (floats(2, 3, 0), floats(4, 5, 0), "queries have 3 dimensions and the database 5"),
        (floats(2, 3, 0), np.full((4, 3), np.nan, np.float32), "database has numbers that are not finite"),
        (np.ones((2, 3), int), floats(4, 3, 0), r"query is torch.int64 \[2, 3\], wanted float"),
        (floats(0, 3, 0), floats(4, 3, 0), "0 queries and a database of 4"),
    ],
)
def test_features_that_cannot_be_ranked_are_named(query: Floats, database: Floats, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        similarity_histograms(query, database, np.zeros(len(query), int), np.zeros(len(database), int))
