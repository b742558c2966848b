"""Histograms of distances against the matrix of all pairs."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashbench.codes import Codes
from hashbench.evaluation.histograms import distance_histograms
from hashbench.search import bit_sliced, matmul
from hashbench.search.bit_sliced import BitSlicedBackend
from hashbench.search.layout import BLOCK_ITEMS
from hashbench.search.matmul import MatmulBackend

Bools = npt.NDArray[np.bool_]


def bools(rows: int, columns: int, seed: int, density: float = 0.5) -> Bools:
    return np.random.default_rng(seed).random((rows, columns)) < density


def plain(query: Bools, database: Bools, query_labels: Bools, database_labels: Bools) -> npt.NDArray[np.int64]:
    """Int64 [2, q, bits + 1]: all and relevant."""
    distances: npt.NDArray[np.int64] = (query[:, None] != database).sum(axis=2)
    relevant = np.any(query_labels[:, None] & database_labels, axis=2)
    counts = np.zeros((2, len(query), query.shape[1] + 1), dtype=np.int64)
    for row, item in np.ndindex(*distances.shape):
        counts[:, row, distances[row, item]] += (1, relevant[row, item])
    return counts


@pytest.fixture(params=["bit-sliced", "matmul"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of a CPU's two backends in turn."""
    if request.param == "matmul":
        monkeypatch.setattr("hashbench.search.dispatch._bit_sliced_backend", lambda operation: None)
    return str(request.param)


@pytest.mark.usefixtures("backend")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bits=st.integers(1, 70), labels=st.integers(1, 90), seed=st.integers(0, 1 << 16))
def test_counts_are_those_of_all_pairs(bits: int, labels: int, seed: int) -> None:
    case = bools(4, bits, seed), bools(25, bits, seed + 1), bools(4, labels, seed, 0.05), bools(25, labels, seed, 0.1)
    histograms = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal([histograms.items, histograms.relevant], plain(*case))


@pytest.mark.usefixtures("backend")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bits=st.integers(1, 70),
    classes=st.sampled_from([1, 2, 3, 9, 255, 256, 70_000]),
    queries_hot=st.booleans(),
    items_hot=st.booleans(),
    seed=st.integers(0, 1 << 16),
)
def test_classes_count_as_their_columns_do(
    bits: int, classes: int, queries_hot: bool, items_hot: bool, seed: int
) -> None:
    """Class numbers on both sides, on one beside a multi-hot matrix, and matrices are one relevance."""
    rng = np.random.default_rng(seed)
    columns = min(classes, 300)  # a matrix has them all
    numbers = rng.integers(0, columns, 4), rng.integers(0, columns, 25)
    hot = np.zeros((4, columns), dtype=np.bool_), np.zeros((25, columns), dtype=np.bool_)
    for each, matrix in zip(numbers, hot, strict=True):
        matrix[np.arange(len(each)), each] = True
    if queries_hot:
        hot[0][1:] |= rng.random((3, columns)) < 0.2
        hot[0][0] = False  # a query without a label
    codes = bools(4, bits, seed), bools(25, bits, seed + 1)
    far = classes - columns if not (queries_hot or items_hot) else 0
    histograms = distance_histograms(
        Codes.pack(codes[0]),
        Codes.pack(codes[1]),
        hot[0] if queries_hot else numbers[0] + far,
        hot[1] if items_hot else numbers[1] + far,
    )
    assert np.array_equal([histograms.items, histograms.relevant], plain(*codes, *hot))


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("hot", [False, True])
def test_classes_that_no_item_has_are_those_of_no_item(hot: bool) -> None:
    """A query's class number may need more bits than any of the database's."""
    codes = Codes.pack(bools(300, 8, 0)), Codes.pack(bools(9, 8, 1))
    classes = np.arange(300)
    queries = np.eye(300, dtype=np.bool_)[classes] if hot else classes
    relevant = distance_histograms(*codes, queries, np.zeros(9, dtype=np.int64)).relevant.sum(axis=1)
    assert relevant.tolist() == [9] + 299 * [0]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("bits", [1, 8, 512])
def test_blocks_meet_without_a_seam(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul, "_BLOCK_ITEMS", 7)
    monkeypatch.setattr(matmul, "_block_queries", lambda cells, device: 3)
    case = bools(8, bits, 0), bools(30, bits, 1), bools(8, 5, 2), bools(30, 5, 3)
    histograms = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal([histograms.items, histograms.relevant], plain(*case))


@pytest.mark.parametrize("items", [BLOCK_ITEMS - 1, BLOCK_ITEMS, BLOCK_ITEMS + 1, 2 * BLOCK_ITEMS + 77])
@pytest.mark.parametrize("bits", [15, 64, 129, 1200])
def test_both_backends_count_the_same_integers(items: int, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Around the ends of blocks, and of the chunks whose planes are made at a time."""
    monkeypatch.setattr(bit_sliced, "_CHUNK_ITEMS", BLOCK_ITEMS)
    query, database = Codes.pack(bools(7, bits, 0)), Codes.pack(bools(items, bits, 1, 0.3))
    labels = bools(7, 12, 2, 0.2), bools(items, 12, 3, 0.1)
    classes = np.random.default_rng(4).integers(0, 12, 7), np.random.default_rng(5).integers(0, 12, items)
    for each in (labels, classes, (labels[0], classes[1]), (classes[0], labels[1])):
        counts = BitSlicedBackend().histograms(query, database, each)
        wanted = MatmulBackend(torch.device("cpu")).histograms(query, database, each)
        assert np.array_equal(counts, wanted)
        assert counts[0].sum() == 7 * items


def test_chunks_of_queries_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.search.query_masks._CHUNK_WORDS", 5 * 16)
    case = bools(23, 10, 0), bools(60, 10, 1), bools(23, 5, 2), bools(60, 5, 3)
    histograms = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal([histograms.items, histograms.relevant], plain(*case))


def test_every_number_of_threads_counts_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Codes.pack(bools(9, 32, 0)), Codes.pack(bools(9000, 32, 1)), (bools(9, 3, 2), bools(9000, 3, 3))
    both = BitSlicedBackend().histograms(*case)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert np.array_equal(BitSlicedBackend().histograms(*case), both)


@pytest.mark.parametrize("bits", [1, 64, 512, 4096])
def test_cell_numbers_of_a_block_fit_float32(bits: int) -> None:
    for device in ("cpu", "cuda"):
        step = matmul._block_queries(2 * (bits + 1), torch.device(device))
        assert step >= 1
        assert step * 2 * (bits + 1) <= 1 << 24


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_counts_the_same_integers() -> None:
    case = Codes.pack(bools(300, 64, 0)), Codes.pack(bools(20_000, 64, 1)), bools(300, 30, 2), bools(20_000, 30, 3, 0.1)
    cpu, gpu = (distance_histograms(*case, device=device) for device in ("cpu", "cuda"))
    assert np.array_equal(cpu.items, gpu.items)
    assert np.array_equal(cpu.relevant, gpu.relevant)
    classes = np.arange(300) % 30, np.arange(20_000) % 30
    cpu, gpu = (distance_histograms(*case[:2], *classes, device=device) for device in ("cpu", "cuda"))
    assert np.array_equal(cpu.relevant, gpu.relevant)


def test_blocks_of_queries_are_all_of_them_in_order() -> None:
    case = bools(9, 8, 0), bools(30, 8, 1), bools(9, 5, 2), bools(30, 5, 3)
    histograms = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal(np.concatenate([block.items for block in histograms.blocks(numbers=20)]), histograms.items)
