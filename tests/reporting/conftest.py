"""Result folders to write to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reporting.result_folder import ResultFolder


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], ResultFolder]:
    """``folder("base")``, an empty result folder of that name."""
    return lambda name: ResultFolder(tmp_path / name)
