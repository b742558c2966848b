"""Which backend serves a device: compiled kernels, or torch where they are missing, do not compile or count wrongly."""

from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numba.core.errors import LoweringError

from hashbench.codes import Codes
from hashbench.evaluation.histograms import distance_histograms
from hashbench.search import dispatch, numba_cache
from hashbench.search.bit_sliced import BitSlicedBackend
from hashbench.search.bit_sliced_index import BitSlicedIndex
from hashbench.search.dispatch import Operation, backend_for
from hashbench.search.index import HammingIndex
from hashbench.search.matmul import MatmulBackend

CPU = torch.device("cpu")
OPERATIONS: tuple[Operation, ...] = get_args(Operation)


@pytest.fixture(autouse=True)
def fresh_process_with_a_tested_numba(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing has been chosen or logged, and whatever numba there is counts as tested."""
    monkeypatch.setattr(numba_cache, "TESTED", (".".join(numba_cache.version().split(".")[:2]),))
    caches: Any = dispatch._bit_sliced_backend, dispatch._triton_backend, numba_cache.log_once, numba_cache.problem
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def chosen() -> set[type]:
    """Of all operations, each asked for twice."""
    return {type(backend_for(CPU, operation)) for operation in 2 * OPERATIONS}


def raise_lowering_error(*arguments: Any) -> None:
    raise LoweringError("Failed in nopython mode pipeline\nand much more")


def test_a_tested_numba_serves_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen() == {BitSlicedBackend}
    assert capsys.readouterr().err == ""


def test_a_gpu_is_served_by_triton(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    backend = pytest.importorskip("hashbench.search.triton_backend").TritonBackend
    checked = []
    monkeypatch.setattr(dispatch, "_check", lambda *arguments: checked.append(arguments))
    for operation in 2 * OPERATIONS:
        served = MatmulBackend if operation == "pair_counts" else backend
        assert type(backend_for(torch.device("cuda"), operation)) is served
    assert [operation for _, operation in checked] == ["histograms", "graded_histograms", "topk"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("broken", ["import_module", "_check"])
def test_a_gpu_on_which_triton_fails_is_served_by_torch(
    broken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("no such thing\nand much more")

    monkeypatch.setattr(dispatch, broken, fail)
    assert {type(backend_for(torch.device("cuda"), operation)) for operation in 2 * OPERATIONS} == {MatmulBackend}
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "triton does not work here (no such thing): Hamming distances are counted by torch on cuda, which takes longer"
    )


def test_without_numba_torch_serves_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(numba_cache, "numba", None)
    monkeypatch.setattr(numba_cache, "_import_error", "No module named 'numba'")
    assert chosen() == {MatmulBackend}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("numba does not work here (No module named 'numba'): Hamming distances are counted by torch")


def test_a_numba_that_cannot_compile_is_as_good_as_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("numba.njit", lambda **options: lambda loop: raise_lowering_error)
    assert chosen() == {MatmulBackend}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("numba does not work here (Failed in nopython mode pipeline): Hamming distances are")


def test_a_kernel_that_cannot_be_compiled_is_replaced_by_torch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though small loops can."""
    monkeypatch.setattr("hashbench.search.bit_sliced.count_distances", raise_lowering_error)
    monkeypatch.setattr("hashbench.search.bit_sliced_index.find_nearest", raise_lowering_error)
    rng = np.random.default_rng(0)
    codes = rng.random((30, 9)) < 0.5
    histograms = distance_histograms(Codes.pack(codes[:2]), Codes.pack(codes), np.zeros(2, int), np.zeros(30, int))
    assert histograms.items.sum(axis=1).tolist() == [30, 30]
    assert HammingIndex(codes, CPU).search(codes[:2], 1)[1].tolist() == [[0], [0]]
    assert isinstance(backend_for(CPU, "pair_counts"), BitSlicedBackend)
    assert capsys.readouterr().err.count("numba does not work here") == 1


def test_an_untested_numba_serves_after_a_check_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(numba_cache, "TESTED", ("0.1", "0.2"))
    assert chosen() == {BitSlicedBackend}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"numba {numba_cache.version()} (tested: 0.1 to 0.2) is untested: each of its kernels is check"
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_where_an_untested_numba_counts_wrongly_torch_serves(
    operation: Operation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    owner: Any = BitSlicedIndex if operation == "topk" else BitSlicedBackend
    right = getattr(owner, operation)

    def wrong(*arguments: Any, **options: Any) -> Any:
        result = right(*arguments, **options)
        counts = result if operation == "pair_counts" else result[1]
        counts[-1, -1] += 1
        return result

    monkeypatch.setattr(numba_cache, "TESTED", ("0.1",))
    monkeypatch.setattr(owner, operation, wrong)
    assert isinstance(backend_for(CPU, operation), MatmulBackend)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"numba {numba_cache.version()} (tested: 0.1 to 0.1) does not work here (its {operation} are not"
    )
    others = [other for other in OPERATIONS if other != operation]
    assert all(isinstance(backend_for(CPU, other), BitSlicedBackend) for other in others)
