"""Stored trials to work on again."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def plugins(stored_plugins: None) -> None:
    """The plugins that the stored trials were made with."""


@pytest.fixture(scope="session")
def results(stored_results: Path) -> Path:
    """A result folder, not to be written to."""
    return stored_results
