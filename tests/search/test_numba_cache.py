"""Compiled code is kept, and never beyond the source that it was made from."""

import subprocess
import sys
from pathlib import Path

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


def called(folder: Path) -> list[str]:
    """The answer, and how often compiled code was found."""
    words = [sys.executable, "caller.py"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def test_compiled_code_is_kept_until_a_file_beside_it_changes(tmp_path: Path) -> None:
    """numba alone would answer 22 for good: it looks at the caller's file only."""
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
