"""Compiled code is cached, and compiled again when its source changes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from numba.core.caching import IndexDataCacheFile

from hashbench.search import numba_cache
from hashbench.search.numba_cache import compiled, entry_point, parallel_entry_point, prange

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


@entry_point
def first_described(x: Any) -> Any:
    return described(x)[0]


@parallel_entry_point
def all_described(values: Any, results: Any) -> None:
    for i in prange(len(values)):
        results[i] = first_of(values[i])


@compiled
def first_of(x: Any) -> Any:
    return described(x)[0]


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


def test_where_numba_does_not_work_loops_run_uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the functions that they call, of which numba could compile none here."""
    monkeypatch.setattr(numba_cache, "problem", lambda: "broken")
    assert first_described("a") == "a"
    results = ["", ""]
    all_described(["a", "b"], results)
    assert results == ["a", "b"]
