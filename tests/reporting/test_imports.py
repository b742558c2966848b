"""Reports start quickly: what they read and draw with needs no torch."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["reporting.publishing", "reporting.comparison.views", "reporting.regression.gate", "cli.leaderboard"]
)
def test_reports_do_not_import_torch(module: str) -> None:
    code = f"import sys, hashbench.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
