"""Kept records by method, and copies of them that a test may spoil."""

import shutil
from pathlib import Path

from hashbench.kept import Kept


def kept(results: Path, method: str) -> Kept:
    """The record of a method in a result folder."""
    (file,) = (results / "records").glob(f"*-{method}-*.json")
    return Kept.read(file)


def copied(results: Path, method: str, target: Path) -> Kept:
    """The same in a result folder of its own, with codes and state."""
    (target / "records").mkdir(parents=True, exist_ok=True)
    for file in (results / "records").glob(f"*-{method}-*"):
        shutil.copy(file, target / "records")
    return kept(target, method)
