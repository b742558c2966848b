"""Generated vectors and a cache of its own."""

from pathlib import Path

import numpy as np
import pytest


def clustered(rows: int, dimension: int, seed: int = 0, spread: float = 1.0) -> np.ndarray:
    """Float32 [rows, dimension] around 12 centres, with less variance in later dimensions."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((12, dimension))
    noise = rng.standard_normal((rows, dimension)) * np.arange(1, dimension + 1) ** -0.3
    return (centres[rng.integers(0, 12, rows)] + spread * noise).astype(np.float32)


@pytest.fixture
def vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """1,200 vectors of 32 dimensions."""
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    monkeypatch.setattr("hashbench.advice.latency.SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "vectors.npy", clustered(1200, 32))
    return tmp_path / "vectors.npy"
