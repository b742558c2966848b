"""Reports start quickly: what they read and draw with needs no torch, nor scipy's distributions."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("reporting.publishing", "torch"),  # figures need scipy's distributions
        ("reporting.comparison.views", "torch|scipy.stats"),
        ("reporting.regression.gate", "torch|scipy.stats"),
        ("cli.leaderboard", "torch|scipy.stats"),
    ],
)
def test_reports_do_not_import_torch_or_distributions(module: str, without: str) -> None:
    code = f"import sys, hashbench.{module}; sys.exit(bool(sys.modules.keys() & set('{without}'.split('|'))))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
