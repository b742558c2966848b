"""Runs the command line as a user does, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).parent / "plugins"


def environment(cache: Path, **more: str) -> dict[str, str]:
    """The environment of a run with the test plugins and a cache of its own."""
    return {**os.environ, "HASHBENCH_PLUGINS": str(PLUGINS), "HASHBENCH_CACHE": str(cache), "COLUMNS": "200", **more}


def hashbench(*words: str, cwd: Path, timeout: float = 240, **more: str) -> subprocess.CompletedProcess[str]:
    """``hashbench WORDS`` in the folder ``cwd``; the cache lies there too."""
    return subprocess.run(
        [sys.executable, "-m", "hashbench", *words],
        cwd=cwd,
        env=environment(cwd / "cache", **more),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
