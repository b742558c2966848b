"""Groups of equal cosine similarity, against scikit-learn's similarities in float64."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics
import torch

from hashbench.evaluation import score_blocks, similarities
from hashbench.evaluation.feature_rows import ArrayRows, Features
from hashbench.evaluation.score_blocks import first_equal
from hashbench.evaluation.similarities import similarity_histograms

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def floats(rows: int, dimensions: int, seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def bools(rows: int, columns: int, seed: int) -> Bools:
    return np.random.default_rng(seed).random((rows, columns)) < 0.2


def groups(query: Floats, database: Features, classes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
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
    """A product may round a row differently at another index (here: lengths that do); a ranking must not see that."""
    exact = similarities._lengths
    monkeypatch.setattr(similarities, "_lengths", lambda rows: exact(rows) * torch.linspace(1, 1.01, len(rows)))
    database = floats(50, 30, 1)
    doubled = np.concatenate([database, database[::-1]])
    counts, _ = groups(floats(4, 30, 0), doubled, np.arange(100) % 3)
    assert (counts == 2).all()


def test_zeros_of_either_sign_are_equal() -> None:
    rows = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0]])
    _, hashes = similarities._survey(ArrayRows(rows, "rows"), "rows", torch.device("cpu"))
    assert first_equal(hashes).tolist() == [0, 1, 0]  # type: ignore[union-attr]
    assert first_equal(hashes[:2]) is None
    block = score_blocks._groups(torch.tensor([[0.0, -0.0, -1.0, 0.5]]), torch.tensor([[True, False, True, False]]))
    assert (block.items.tolist(), block.relevant.tolist()) == ([[1, 2, 1]], [[0, 1, 1]])


def test_round_numbers_have_different_hashes() -> None:
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


def whole_and_in_blocks(
    query: Features, database: Features, labels: tuple[Bools, Bools], monkeypatch: pytest.MonkeyPatch
) -> list[list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]]:
    """Groups of each query, once from one block and once from blocks and chunks that leave a remainder."""
    results = []
    for sizes in (score_blocks._CPU, score_blocks._Sizes(block=100, compared=300, ranked=130)):
        monkeypatch.setattr(score_blocks, "_CPU", sizes)
        blocks = list(similarity_histograms(query, database, *labels))
        results.append([row for block in blocks for row in zip(block.items, block.relevant, strict=True)])
    assert len(blocks) > 1
    return results


def test_blocks_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole numbers and queries of length 2 have exact products: no rounding stands between the two, and many tie."""
    query, database = np.sign(floats(11, 9, 0)), np.round(floats(60, 9, 1))
    query[:, 4:] = 0
    labels = bools(11, 7, 2), bools(60, 7, 3)
    whole, pieces = whole_and_in_blocks(query, database, labels, monkeypatch)
    assert len(whole) == len(pieces) == 11
    for (items, relevant), (found_items, found_relevant) in zip(whole, pieces, strict=True):
        groups = int((items > 0).sum())
        assert np.array_equal(found_items[:groups], items[:groups])
        assert np.array_equal(found_relevant[:groups], relevant[:groups])
        assert not found_items[groups:].any()


def test_equal_rows_of_different_blocks_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    database = floats(25, 9, 1)
    doubled = np.concatenate([database, database[::-1]])
    labels = bools(11, 7, 2), bools(50, 7, 3)
    for groups_of_queries in whole_and_in_blocks(floats(11, 9, 0), doubled, labels, monkeypatch):
        assert all(set(items.tolist()) == {2} for items, _ in groups_of_queries)


def test_numbers_that_are_not_finite_are_found_in_the_last_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_blocks, "_CPU", score_blocks._Sizes(block=100, compared=300, ranked=130))
    database = floats(60, 9, 1)
    database[59, 8] = np.inf
    with pytest.raises(ValueError, match="database has numbers that are not finite"):
        similarity_histograms(floats(2, 9, 0), database, np.zeros(2, int), np.zeros(60, int))


def test_several_labels_and_none_at_all() -> None:
    """Relevant is what shares a label; an item without labels is a distractor, a query without them has no hit."""
    query, database = np.eye(2, dtype=np.float32)[[0, 0]], np.array([[1, 0], [1, 1], [0, 1], [-1, 0]], np.float32)
    query_labels = np.array([[True, True, False], [False, False, False]])
    database_labels = np.array([[False, False, False], [False, True, True], [False, False, True], [True, True, False]])
    (block,) = similarity_histograms(query, database, query_labels, database_labels)
    assert block.items.tolist() == [[1, 1, 1, 1], [1, 1, 1, 1]]
    assert block.relevant.tolist() == [[0, 1, 0, 1], [0, 0, 0, 0]]


def test_classes_count_as_their_columns_do() -> None:
    query, database = floats(6, 4, 0), floats(50, 4, 1)
    numbers = np.random.default_rng(0).integers(0, 9, 6), np.random.default_rng(1).integers(0, 9, 50)
    hot = np.eye(9, dtype=np.bool_)[numbers[0]], np.eye(9, dtype=np.bool_)[numbers[1]]
    (wanted,) = similarity_histograms(query, database, *hot)
    for labels in (numbers, (hot[0], numbers[1]), (numbers[0], hot[1])):
        (block,) = similarity_histograms(query, database, *labels)
        assert np.array_equal(block.items, wanted.items)
        assert np.array_equal(block.relevant, wanted.relevant)


def test_arrays_maps_tensors_and_rows_give_the_same(tmp_path: Path) -> None:
    query, half = floats(3, 9, 0), floats(30, 9, 1).astype(np.float16)
    np.save(tmp_path / "half.npy", half)
    mapped = np.load(tmp_path / "half.npy", mmap_mode="r")
    single = half.astype(np.float32)
    wanted = groups(query, single, np.arange(30) % 3)
    others: list[Features] = [half, mapped, half.astype(np.float64), torch.from_numpy(single), torch.from_numpy(half)]
    for database in [*others, ArrayRows(mapped, "rows")]:
        assert np.array_equal(groups(query, database, np.arange(30) % 3), wanted)


@pytest.mark.gpu
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
        (floats(2, 3, 0) * np.inf, floats(4, 3, 0), "query has numbers that are not finite"),
        (np.ones((2, 3), int), floats(4, 3, 0), r"query is int64 \[2, 3\], wanted float"),
        (floats(2, 3, 0), floats(4, 3, 0)[0], r"database is float32 \[3\], wanted float \[n, d\]"),
        (floats(2, 0, 0), floats(4, 0, 0), r"query is float32 \[2, 0\], wanted float \[n, d\]"),
        (floats(0, 3, 0), floats(4, 3, 0), "0 queries and a database of 4"),
    ],
)
def test_features_that_cannot_be_ranked_are_named(query: Floats, database: Floats, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        similarity_histograms(query, database, np.zeros(len(query), int), np.zeros(len(database), int))
