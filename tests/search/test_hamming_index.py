"""Exact search against a stable sort of all distances."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashbench.codes import MAX_BITS, Codes
from hashbench.errors import UsageError
from hashbench.search import matmul_index
from hashbench.search.index import HammingIndex
from hashbench.search.layout import BLOCK_ITEMS, TILE_ITEMS
from hashbench.search.matmul import MatmulBackend
from tests.layouts import LAYOUTS, laid_out

Bools = npt.NDArray[np.bool_]


def bools(rows: int, bits: int, seed: int) -> Bools:
    return np.random.default_rng(seed).random((rows, bits)) < 0.5


def plain(query: Bools, database: Bools, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    distances = (query[:, None] != database).sum(axis=2)
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return ids, np.take_along_axis(distances, ids, axis=1)


def same(found: tuple[npt.NDArray[Any], ...], wanted: tuple[npt.NDArray[Any], ...]) -> bool:
    return all(np.array_equal(*pair) for pair in zip(found, wanted, strict=True))


@pytest.fixture(params=["bit-sliced", "matmul"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of a CPU's two backends in turn."""
    if request.param == "matmul":
        monkeypatch.setattr("hashbench.search.dispatch._bit_sliced_backend", lambda operation: None)
    return str(request.param)


@pytest.mark.usefixtures("backend")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bits=st.integers(1, 20), items=st.integers(1, 60), seed=st.integers(0, 1 << 16), data=st.data())
def test_ties_come_by_lower_id(bits: int, items: int, seed: int, data: st.DataObject) -> None:
    query, database = bools(3, bits, seed), bools(items, bits, seed + 1)
    k = data.draw(st.integers(1, items))
    ids, distances = HammingIndex(database, device="cpu").search(query, k)
    wanted = plain(query, database, k)
    assert np.array_equal(ids, wanted[0])
    assert np.array_equal(distances, wanted[1])


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("k", [1, 5, 40, 200])
def test_blocks_of_the_database_are_merged(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul_index, "_BLOCK_ITEMS", 13)
    query, database = bools(9, 10, 0), bools(200, 10, 1)
    ids, distances = HammingIndex(database, device="cpu").search(query, k)
    assert np.array_equal(ids, plain(query, database, k)[0])
    assert (ids.dtype.name, distances.dtype.name) == ("int64", "int32")


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("items", [BLOCK_ITEMS - 1, BLOCK_ITEMS, 2 * BLOCK_ITEMS + 77])
@pytest.mark.parametrize(("bits", "k"), [(9, 1), (64, 1000), (129, 100), (300, 5000), (512, 10)])
def test_ends_of_blocks_are_searched(items: int, bits: int, k: int) -> None:
    query, database = bools(40, bits, 0), bools(items, bits, 1)
    ids, distances = HammingIndex(database, device="cpu").search(query, k)
    wanted = plain(query, database, k)
    assert np.array_equal(ids, wanted[0])
    assert np.array_equal(distances, wanted[1])


def test_chunks_of_queries_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.search.query_masks._CHUNK_WORDS", 5 * 16)
    query, database = bools(23, 10, 0), bools(200, 10, 1)
    ids, _ = HammingIndex(database, device="cpu").search(query, 7)
    assert np.array_equal(ids, plain(query, database, 7)[0])


@pytest.mark.parametrize("k", [1, 50, 9000])
@pytest.mark.parametrize("nearest_first", [True, False])
def test_a_database_in_the_order_of_its_distances_is_searched(k: int, nearest_first: bool) -> None:
    """Nearer and nearer items push out all that came before; in the opposite order only the first are looked at."""
    ones = np.sort(np.random.default_rng(0).integers(0, 65, 3 * BLOCK_ITEMS))
    database = np.arange(64) < (ones if nearest_first else ones[::-1])[:, None]
    query = np.zeros((2, 64), dtype=np.bool_)
    ids, distances = HammingIndex(database, device="cpu").search(query, k)
    assert np.array_equal(ids[1], np.argsort(database.sum(axis=1), kind="stable")[:k])
    assert np.array_equal(distances[0], np.sort(ones)[:k])


@pytest.mark.parametrize("k", [3, 3000, 12_000])
@pytest.mark.parametrize("sampled_are_near", [True, False])
def test_a_sample_that_is_unlike_the_database_misleads_nobody(k: int, sampled_are_near: bool) -> None:
    """Its limit then lets too few items through, or far more than there is room for."""
    tiles = 100
    rng = np.random.default_rng(0)
    sampled = np.zeros(tiles, dtype=np.bool_)
    sampled[np.arange(10) * tiles // 10] = True  # as many as the root of 100
    chance = np.where(np.repeat(sampled, TILE_ITEMS) == sampled_are_near, 0.1, 0.4)
    database = rng.random((tiles * TILE_ITEMS, 30)) < chance[:, None]
    query = np.zeros((3, 30), dtype=np.bool_)
    query[1, :7] = True
    ids, distances = HammingIndex(database, device="cpu").search(query, k)
    for row, own in enumerate(query):
        wanted = (own != database).sum(axis=1)
        assert np.array_equal(ids[row], np.argsort(wanted, kind="stable")[:k])
        assert np.array_equal(distances[row], wanted[ids[row]])


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("bits", [8, 255, 256, 511, 512, MAX_BITS - 1, MAX_BITS])
def test_the_farthest_code_of_any_length_is_found(bits: int) -> None:
    database = bools(600, bits, 0)
    query = ~database[[5, 550]]
    ids, distances = HammingIndex(database, device="cpu").search(query, 600)
    assert (distances[:, -1] == bits).all()
    assert np.array_equal(ids, plain(query, database, 600)[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_same() -> None:
    query, database = bools(50, 48, 0), bools(100_000, 48, 1)
    cpu, gpu = (HammingIndex(database, device).search(query, 100) for device in ("cpu", "cuda"))
    assert np.array_equal(cpu[0], gpu[0])
    assert np.array_equal(cpu[1], gpu[1])


def test_it_keeps_packed_codes() -> None:
    index = HammingIndex(Codes.pack(bools(30, 60, 0)), device="cpu")
    assert (len(index), index.bits, index.bytes_per_item) == (30, 60, 8)


def test_no_queries_give_no_results() -> None:
    ids, distances = HammingIndex(bools(4, 8, 0), device="cpu").search(bools(0, 8, 1), 2)
    assert ids.shape == distances.shape == (0, 2)


@pytest.mark.usefixtures("backend")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bits=st.integers(1, 140), items=st.integers(1, 1200), seed=st.integers(0, 1 << 16))
def test_a_saved_index_is_the_same(bits: int, items: int, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    database, file = bools(items, bits, seed), tmp_path_factory.mktemp("index") / "codes.safetensors"
    index = HammingIndex(database, device="cpu")
    assert np.array_equal(index._index.packed(), np.packbits(database, axis=1))
    index.save(file)
    loaded = HammingIndex.load(file, device="cpu")
    assert (len(loaded), loaded.bits, loaded.bytes_per_item) == (items, bits, index.bytes_per_item)
    query = bools(2, bits, seed + 1)
    wanted = index.search(query, min(items, 9))
    assert same(loaded.search(query, min(items, 9)), wanted)


def test_an_index_is_saved_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "codes.safetensors"
    HammingIndex(bools(9, 8, 0), "cpu").save(file)
    before = file.read_bytes()

    def half(tensors: object, name: Path, metadata: object) -> None:
        name.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.numpy.save_file", half)
        with pytest.raises(UsageError, match=r"cannot be written \(No space left on device\)"):
            HammingIndex(bools(30, 8, 1), "cpu").save(file)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.read_bytes() == before
    with pytest.raises(UsageError, match=r"ends in '.pkl', wanted a name that ends in .safetensors"):
        HammingIndex(bools(9, 8, 0), "cpu").save(tmp_path / "codes.pkl")
    with pytest.raises(UsageError, match=r"cannot be written \(No such file or directory\)"):
        HammingIndex(bools(9, 8, 0), "cpu").save(tmp_path / "no" / "codes.safetensors")


def test_what_is_no_index_is_not_loaded(tmp_path: Path) -> None:
    file = tmp_path / "codes.safetensors"
    with pytest.raises(UsageError, match=r"cannot be read \(No such file"):
        HammingIndex.load(file)
    for content in (b"", b"<html>", pickle.dumps([1])):
        file.write_bytes(content)
        with pytest.raises(UsageError, match=r"^index .*codes.safetensors cannot be read"):
            HammingIndex.load(file)
    safetensors.numpy.save_file({"packed": np.zeros((2, 1), np.uint8)}, file)
    with pytest.raises(UsageError, match=r"is no index; wanted a file that HammingIndex\.save wrote"):
        HammingIndex.load(file)
    for array, bits in ((np.zeros((2, 1), np.uint8), "99"), (np.ones((2, 1), np.uint8), "3"), (np.zeros(2), "8")):
        safetensors.numpy.save_file({"packed": array}, file, {"kind": "hashbench codes", "bits": bits})
        with pytest.raises(UsageError, match=r"cannot be read \(codes: ") as refused:
            HammingIndex.load(file)
        assert "\n" not in str(refused.value)


def test_packed_codes_are_indexed_and_searched() -> None:
    query, database = bools(3, 13, 0), bools(40, 13, 1)
    index = HammingIndex(np.packbits(database, axis=1), "cpu", bits=13)
    wanted = HammingIndex(database, "cpu").search(query, 5)
    packed = np.packbits(query, axis=1)
    for codes in (packed, torch.from_numpy(packed), query, Codes.pack(query)):
        assert same(index.search(codes, 5), wanted)
    with pytest.raises(ValueError, match=r"packed is uint8 \[3, 1\], wanted uint8 \[n, 2\] for 13 bits"):
        index.search(packed[:, :1], 5)


@pytest.mark.parametrize("k", [0, -1, 31])
def test_a_k_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"k is {k}, wanted a whole number from 1 to 30"):
        HammingIndex(bools(30, 8, 0), device="cpu").search(bools(1, 8, 1), k)


def test_codes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="queries have 9 bits, wanted 8"):
        HammingIndex(bools(30, 8, 0), device="cpu").search(bools(1, 9, 1), 1)
    with pytest.raises(ValueError, match="a database of 0 codes"):
        HammingIndex(bools(0, 8, 0), device="cpu")
    with pytest.raises(ValueError, match=r"wanted bool \[n, bits\]"):
        HammingIndex(np.ones((3, 8)), device="cpu")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_cpu_without_wide_vectors_finds_and_counts_the_same() -> None:
    code = (
        "import numpy as np\n"
        "from hashbench.codes import Codes\n"
        "from hashbench.evaluation.histograms import distance_histograms\n"
        "from hashbench.search.index import HammingIndex\n"
        "g = np.random.default_rng(0)\n"
        "a, b = g.random((20, 72)) < .5, g.random((9000, 72)) < .5\n"
        "la, lb = g.integers(0, 5, 20), g.integers(0, 5, 9000)\n"
        "counts = distance_histograms(Codes.pack(a), Codes.pack(b), la, lb)\n"
        "distance = (a[:, None] != b).sum(2)\n"
        "for q in range(20):\n"
        "    assert np.array_equal(counts.items[q], np.bincount(distance[q], minlength=73))\n"
        "    assert np.array_equal(counts.relevant[q], np.bincount(distance[q][la[q] == lb], minlength=73))\n"
        "ids, _ = HammingIndex(Codes.pack(b)).search(Codes.pack(a), k=50)\n"
        "assert np.array_equal(ids, distance.argsort(axis=1, kind='stable')[:, :50])\n"
    )
    plain = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    subprocess.run([sys.executable, "-c", code], env=plain, check=True)


def test_a_callers_autocast_changes_no_integer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.search.index.backend_for", lambda device, _operation: MatmulBackend(device))
    query, database = bools(4, 1000, 0), bools(300, 1000, 1)
    codes, labels = (Codes.pack(query), Codes.pack(database)), (bools(4, 1, 2), bools(300, 1, 3))
    with torch.autocast("cpu", torch.bfloat16):
        ids, distances = HammingIndex(database, device="cpu").search(query, 50)
        items, _ = MatmulBackend(torch.device("cpu")).histograms(*codes, labels)
    wanted = plain(query, database, 50)
    assert np.array_equal(ids, wanted[0])
    assert np.array_equal(distances, wanted[1])
    for row, counts in zip((query[:, None] != database).sum(axis=2), items, strict=True):
        assert np.array_equal(np.bincount(row, minlength=1001), counts)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_neighbours_do_not_hang_on_how_an_array_lies_in_memory(layout: str) -> None:
    query, database = bools(40, 64, 0), bools(600, 64, 1)
    found = HammingIndex(laid_out(database, layout)).search(laid_out(query, layout), k=7)
    assert same(found, plain(query, database, 7))
