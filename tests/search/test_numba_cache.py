"""Compiled code is cached, and compiled again when its source changes."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile
from numba.core.errors import LoweringError

from hashbench.evaluation import average_precision, ranking
from hashbench.search import numba_cache
from hashbench.search.numba_cache import compiled, entry_point, or_uncompiled, parallel_entry_point, prange

CALLER = """
import helper
from hashbench.search.numba_cache import compiled

@compiled
def doubled(x):
    return 2 * helper.changed(x)

print(doubled(10), sum(doubled.stats.cache_hits.values()))
"""
HELPER = """
from hashbench.search.numba_cache import compiled

@compiled
def changed(x):
    return x + 1
"""


@compiled
def described(x: Any) -> Any:
    """What numba cannot compile: a list of two types."""
    return [x, str(x)]


@or_uncompiled
@entry_point
def first_described(x: Any) -> Any:
    return described(x)[0]


@or_uncompiled
@parallel_entry_point
def all_described(values: Any, results: Any) -> None:
    for i in prange(len(values)):
        results[i] = first_of(values[i])


@compiled
def first_of(x: Any) -> Any:
    return described(x)[0]


@entry_point
def read_until_set(flags: Any) -> Any:
    """Look at 2^16 flags in turn until one is set; returns whether one was among the first billion."""
    looks = 0
    while looks < 1 << 30 and not flags[looks & 0xFFFF]:
        looks += 1
    return looks < 1 << 30


@parallel_entry_point
def negate(values: Any) -> None:
    for i in prange(len(values)):
        values[i] = -values[i]


def called(folder: Path) -> list[str]:
    """The result, and how often compiled code came from the cache."""
    words = [sys.executable, "caller.py"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def test_compiled_code_is_cached_until_a_file_beside_it_changes(tmp_path: Path) -> None:
    """numba alone would return 22 for good: it looks at the caller's file only."""
    (tmp_path / "caller.py").write_text(CALLER)
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / ".#helper.py").symlink_to("an editor's lock")
    assert called(tmp_path) == ["22", "0"]
    assert called(tmp_path) == ["22", "1"]
    (tmp_path / "helper.py").write_text(HELPER.replace("x + 1", "x + 2"))
    assert called(tmp_path) == ["24", "0"]


READ_ONLY = """
import errno, numba.core.caching as caching

def refuse(self):
    raise OSError(errno.EROFS, "Read-only file system")

for name in ("_InTreeCacheLocator", "InTreeCacheLocator", "_UserWideCacheLocator", "UserWideCacheLocator"):
    if hasattr(caching, name):
        getattr(caching, name).ensure_cache_path = refuse
"""
FULL = """
import errno
from numba.core.caching import IndexDataCacheFile

def refuse(self, *given):
    raise OSError(errno.ENOSPC, "No space left on device")

IndexDataCacheFile.save = refuse
"""


def test_where_install_and_home_are_read_only_kernels_are_kept_in_hashbenchs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "caller.py").write_text(READ_ONLY + CALLER)
    (tmp_path / "helper.py").write_text(HELPER)
    assert called(tmp_path) == ["22", "0"]
    assert list((tmp_path / "cache/kernels").rglob("*.nbc"))
    assert called(tmp_path) == ["22", "1"]
    assert not list(tmp_path.glob("__pycache__/*.nb?"))


def test_kernels_that_cannot_be_kept_on_a_full_disk_are_used_and_a_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(FULL + CALLER)
    (tmp_path / "helper.py").write_text(HELPER)
    words = [sys.executable, "caller.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["22", "0"]
    assert done.stderr.count("compiled kernels cannot be kept in") == 1
    assert "(No space left on device): each process compiles" in done.stderr


def test_kernels_take_torchs_number_of_threads_and_leave_it_alone() -> None:
    """numba's first step sets OpenMP's number of threads, which is torch's as well, to that of all cores."""
    code = (
        "import numba, numpy as np, torch, hashbench as hb\n"
        "torch.set_num_threads(1)\n"
        "rng = np.random.default_rng(0)\n"
        "codes, labels = rng.random((30, 8)) < .5, rng.integers(0, 3, 30)\n"
        "hb.evaluate(codes[:9], codes, labels[:9], labels)\n"
        "print(torch.get_num_threads(), numba.get_num_threads())\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1 1\n"


def test_other_threads_go_on_while_a_loop_runs() -> None:
    flags = np.ones(1 << 16, dtype=np.bool_)
    assert read_until_set(flags)  # compiled
    flags[:] = False
    begins = threading.Event()

    def set_all() -> None:
        begins.wait(60)
        flags[:] = True

    other = threading.Thread(target=set_all)
    other.start()
    begins.set()
    assert read_until_set(flags)
    other.join()


def test_loops_with_threads_run_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """numba's own threading layer ends the process where two threads of Python enter it."""
    entered, leaves = [threading.Event(), threading.Event()], threading.Event()
    set_threads, values = numba_cache.use_torchs_threads, [np.ones(5), np.ones(5)]

    def watched() -> int:
        number = int(threading.current_thread().name)
        entered[number].set()
        assert leaves.wait(60)
        return set_threads()

    monkeypatch.setattr(numba_cache, "use_torchs_threads", watched)
    both = [threading.Thread(target=negate, args=(each,), name=str(name)) for name, each in enumerate(values)]
    both[0].start()
    assert entered[0].wait(60)
    both[1].start()
    assert not entered[1].wait(0.05)
    leaves.set()
    for each in both:
        each.join()
    assert entered[1].is_set()
    assert all((each == -1).all() for each in values)


def test_numbas_cache_has_the_source_stamp_that_the_hook_replaces() -> None:
    """If this fails, numba has renamed what ``numba_cache._compile`` relies on: each process compiles anew."""
    stamp = described._cache._cache_file._source_stamp  # type: ignore[attr-defined]
    assert stamp[1] == numba_cache._sources_sum(Path(__file__).parent)


def test_numbas_cache_compares_the_source_stamp(tmp_path: Path) -> None:
    """If this fails, numba compares something else, and code may be used that was compiled from older sources."""
    file = IndexDataCacheFile(str(tmp_path), "name", "stamp")
    file.save("key", "code")
    assert file.load("key") == "code"
    file._source_stamp = "another"
    assert file.load("key") is None


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing has been logged, and nothing is known to be uncompilable."""
    monkeypatch.setattr(numba_cache, "_uncompilable", {})
    numba_cache.log_once.cache_clear()
    yield
    numba_cache.log_once.cache_clear()


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.parametrize("problem", ["broken", ""], ids=["nothing is compiled", "the probe is compiled"])
def test_loops_that_cannot_be_compiled_run_uncompiled_and_one_line_says_so(
    problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the functions that they call, of which numba could compile none here."""
    monkeypatch.setattr(numba_cache, "problem", lambda: problem)
    assert first_described("a") == "a"
    results = np.array(["", ""], dtype=object)
    for _ in range(2):
        all_described(["a", "b"], results)
    assert results.tolist() == ["a", "b"]
    (line,) = capsys.readouterr().err.splitlines()
    reason = problem or "Failed in nopython mode pipeline"
    assert f" does not work here ({reason}" in line
    assert line.endswith("the loops of metrics run uncompiled, which takes longer")


def fresh(module: ModuleType) -> Any:
    """Another copy of a module."""
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    copy = module_from_spec(module.__spec__)
    module.__spec__.loader.exec_module(copy)
    return copy


@pytest.mark.usefixtures("fresh_process")
def test_metrics_are_the_same_where_numba_compiles_a_small_loop_but_not_theirs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def compile_nothing(loop: Any, _parallel: bool = False) -> Any:
        def refuse(*_: Any) -> None:
            raise LoweringError("Failed in nopython mode pipeline\nand much more")

        refuse.py_func = loop  # type: ignore[attr-defined]
        return refuse

    assert numba_cache.problem() == ""
    monkeypatch.setattr(numba_cache, "_compile", compile_nothing)
    rng = np.random.default_rng(0)
    relevant = rng.integers(0, 3, (5, 9))
    groups = relevant + rng.integers(1, 9, (5, 9)), relevant
    for order in average_precision.ORDERS:
        expected = average_precision.average_precision(ranking.Ranking(*groups), 20, "hits", order)
        uncompiled = fresh(average_precision).average_precision(fresh(ranking).Ranking(*groups), 20, "hits", order)
        assert uncompiled == pytest.approx(expected, rel=1e-12)
    (line,) = capsys.readouterr().err.splitlines()
    assert "does not work here (Failed in nopython mode pipeline): the loops of metrics run uncompiled" in line
