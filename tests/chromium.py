"""A headless Chromium, where one is installed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where playwright or Chromium is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[dev]')")
    with playwright.sync_playwright() as driver:
        installed = next((path for name in NAMES if (path := shutil.which(name))), None)
        file = os.environ.get("CHROMIUM") or installed or driver.chromium.executable_path
        if not Path(file).exists():
            pytest.skip("no Chromium (apt-get install chromium, or playwright install chromium)")
        try:
            browser = driver.chromium.launch(executable_path=file)
        except playwright.Error as error:
            if installed:
                raise
            pytest.skip(f"Chromium does not start, it may lack libraries: {str(error).splitlines()[0]}")
        yield browser
        browser.close()
