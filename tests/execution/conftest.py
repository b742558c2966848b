"""Runs of this room, where nobody looks at figures."""

import pytest


@pytest.fixture(autouse=True)
def reports_without_figures(no_figures: None) -> None:
    """In any report."""
