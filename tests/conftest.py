"""Fixtures that several rooms need, how many processes share the tests, and when garbage is collected."""

import gc
import os
from pathlib import Path

if gc.isenabled():  # again when all tests are found: what they import stays, and to walk it took a third of the time
    gc.disable()
if "PYTEST_XDIST_WORKER" in os.environ:  # one core for each: torch reads it when it is imported
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import settings

from hashbench.data.spec import open_dataset
from hashbench.execution import measure
from tests.pictures import pictures
from tests.stored_trials import stored_plugins, stored_results

__all__ = ["stored_plugins", "stored_results"]

# A first example may wait for kernels to be compiled, and a busy machine is no fault.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

measure.SECONDS_PER_FIGURE = 0.01  # nobody looks at the rates of a trial in a test


MOST_PROCESSES = 4  # of a gigabyte each


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process for each core where all tests run; none beside pytest's own where some are named."""
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        return 0
    return min(os.cpu_count() or 1, MOST_PROCESSES)


def pytest_collection_finish() -> None:
    """Collect garbage from here on, that of the tests alone."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports of this process without figures, which take longer than a trial on digits."""
    monkeypatch.setattr("hashbench.reporting.write.write_figures", lambda *_: [])


@pytest.fixture(scope="session")
def digits_pixels() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Training and query pixels of digits, in [0, 1]."""
    digits = open_dataset("digits", Path())
    split = digits.split()
    train, query = ((pictures(digits, items).flatten(1).float() / 255).numpy() for items in (split.train, split.query))
    return train, query


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data sets; tests that need it are skipped where HASHBENCH_DATA names none."""
    root = os.environ.get("HASHBENCH_DATA", "")
    if not root or not Path(root).is_dir():
        pytest.skip("HASHBENCH_DATA names no folder with the real data sets")
    return Path(root)


@pytest.fixture
def generator() -> torch.Generator:
    """A seeded CPU generator."""
    return torch.Generator().manual_seed(0)
