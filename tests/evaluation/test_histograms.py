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
    counts = BitSlicedBackend().histograms(query, database, labels)
    wanted = MatmulBackend(torch.device("cpu")).histograms(query, database, labels)
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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_counts_the_same_integers() -> None:
    case = Codes.pack(bools(300, 64, 0)), Codes.pack(bools(20_000, 64, 1)), bools(300, 30, 2), bools(20_000, 30, 3, 0.1)
    cpu, gpu = (distance_histograms(*case, device=device) for device in ("cpu", "cuda"))
    assert np.array_equal(cpu.items, gpu.items)
    assert np.array_equal(cpu.relevant, gpu.relevant)


def test_blocks_of_queries_are_all_of_them_in_order() -> None:
    case = bools(9, 8, 0), bools(30, 8, 1), bools(9, 5, 2), bools(30, 5, 3)
    histograms = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal(np.concatenate([block.items for block in histograms.blocks(numbers=20)]), histograms.items)
