"""A small CIFAR-10 in the published format, for tests without the real one."""

import hashlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashbench.dataset import Dataset
from hashbench.plugins.registry import DATASETS

BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
PER_BATCH = 20


@pytest.fixture
def cifar10_module() -> Any:
    """The plugin's module, whose constants tests replace."""
    return sys.modules[DATASETS.get("cifar10").__module__]


@pytest.fixture
def write_small(cifar10_module: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Writes seven files with 20 images per batch to a folder and makes their sums the published ones."""

    def write(folder: Path) -> None:
        folder.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for name in BATCHES:
            pixels = rng.integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8)
            batch = {b"data": pixels, b"labels": [item % 10 for item in range(PER_BATCH)]}
            # The published files were written by Python 2 and an older numpy, whose modules had other names.
            old = pickle.dumps(batch, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            (folder / name).write_bytes(old)
        (folder / "batches.meta").write_bytes(b"names")
        for constant in ("BATCHES_MD5", "META_MD5"):
            names = getattr(cifar10_module, constant)
            sums = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in names}
            monkeypatch.setattr(cifar10_module, constant, sums)

    return write


@pytest.fixture
def small(tmp_path: Path, write_small: Callable[[Path], None]) -> Dataset:
    """The small data set on disk."""
    write_small(tmp_path / "cifar-10-batches-py")
    kind = DATASETS.get("cifar10")
    return kind(tmp_path, kind.protocols[0])
