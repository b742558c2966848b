"""Runs the command line as a user does, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).parent / "plugin_root"


def environment(cache: Path, **more: str) -> dict[str, str]:
    """The environment of a run with the test plugins and a cache of its own."""
    return {**os.environ, "HASHBENCH_PLUGINS": str(PLUGINS), "HASHBENCH_CACHE": str(cache), "COLUMNS": "200", **more}


def script(file: Path, text: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Write ``text`` to ``file`` and run it with Python in the folder ``cwd``; its own folder is on the path."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return subprocess.run(
        [sys.executable, str(file)],
        cwd=cwd,
        env=environment(cwd / "cache"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start(*words: str, cwd: Path, **more: str) -> subprocess.Popen[str]:
    """``hashbench WORDS`` in the folder ``cwd``, running on its own, in a session of its own as from a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "hashbench", *words],
        cwd=cwd,
        env=environment(cwd / "cache", **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


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
