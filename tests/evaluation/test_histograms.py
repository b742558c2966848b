"""Histograms of distances against the matrix of all pairs."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashbench.codes import Codes
from hashbench.evaluation.histograms import distance_histograms
from hashbench.search import bit_sliced_histograms, compiled, matmul_histograms
from hashbench.search.bit_planes import BLOCK

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


@pytest.fixture(params=["planes", "products"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two ways of counting in turn."""
    if request.param == "products":
        monkeypatch.setattr("hashbench.evaluation.histograms.kernels", lambda: None)
    return str(request.param)


@pytest.mark.usefixtures("way")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bits=st.integers(1, 70), labels=st.integers(1, 90), seed=st.integers(0, 1 << 16))
def test_counts_are_those_of_all_pairs(bits: int, labels: int, seed: int) -> None:
    case = bools(4, bits, seed), bools(25, bits, seed + 1), bools(4, labels, seed, 0.05), bools(25, labels, seed, 0.1)
    found = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal([found.items, found.relevant], plain(*case))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("bits", [1, 8, 512])
def test_blocks_meet_without_a_seam(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul_histograms, "_DATABASE_BLOCK", 7)
    monkeypatch.setattr(matmul_histograms, "_query_step", lambda cells, device: 3)
    case = bools(8, bits, 0), bools(30, bits, 1), bools(8, 5, 2), bools(30, 5, 3)
    found = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal([found.items, found.relevant], plain(*case))


@pytest.mark.parametrize("items", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 77])
@pytest.mark.parametrize("bits", [15, 64, 129, 1200])
def test_both_ways_count_the_same_integers(items: int, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Around the ends of blocks, and of the stretches whose planes are made at a time."""
    monkeypatch.setattr(bit_sliced_histograms, "_ITEMS", BLOCK)
    query, database = Codes.pack(bools(7, bits, 0)), Codes.pack(bools(items, bits, 1, 0.3))
    labels = bools(7, 12, 2, 0.2), bools(items, 12, 3, 0.1)
    found = bit_sliced_histograms.count_by_planes(query, database, labels)
    wanted = matmul_histograms.count_by_products(query, database, labels, torch.device("cpu"))
    assert np.array_equal(found, wanted)
    assert found[0].sum() == 7 * items


def test_runs_of_queries_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.search.compiled._WORDS", 5 * 16)
    case = bools(23, 10, 0), bools(60, 10, 1), bools(23, 5, 2), bools(60, 5, 3)
    found = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal([found.items, found.relevant], plain(*case))


def test_every_number_of_threads_counts_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Codes.pack(bools(9, 32, 0)), Codes.pack(bools(9000, 32, 1)), (bools(9, 3, 2), bools(9000, 3, 3))
    both = bit_sliced_histograms.count_by_planes(*case)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert np.array_equal(bit_sliced_histograms.count_by_planes(*case), both)


def test_without_numba_torch_counts_and_a_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"no {name}")

    monkeypatch.setattr(compiled, "import_module", missing)
    compiled.kernels.cache_clear()
    case = bools(4, 9, 0), bools(25, 9, 1), bools(4, 3, 2), bools(25, 3, 3)
    try:
        for _ in range(2):
            found = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
            assert np.array_equal([found.items, found.relevant], plain(*case))
    finally:
        compiled.kernels.cache_clear()
    assert capsys.readouterr().err.count("numba does not work here") == 1


@pytest.mark.parametrize("bits", [1, 64, 512, 4096])
def test_cell_numbers_of_a_block_fit_float32(bits: int) -> None:
    for device in ("cpu", "cuda"):
        step = matmul_histograms._query_step(2 * (bits + 1), torch.device(device))
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
    found = distance_histograms(Codes.pack(case[0]), Codes.pack(case[1]), case[2], case[3])
    assert np.array_equal(np.concatenate([block.items for block in found.blocks(numbers=20)]), found.items)
