"""`.ci/run` ends with the status of what it ran: what it clears away afterwards has no say."""

import subprocess
from pathlib import Path

import pytest

from tests.golden.parts import ROOT

SCRIPT = ROOT / ".ci/run"


@pytest.mark.parametrize(("body", "status"), [("true", 0), ("sleep 60 &", 0), ("exit 3", 3), ("false", 1)])
def test_clearing_away_keeps_the_status(body: str, status: int, tmp_path: Path) -> None:
    if not SCRIPT.exists():
        pytest.skip("no .ci/run beside the tests")
    (trap,) = [line for line in SCRIPT.read_text().splitlines() if line.startswith("trap ")]
    work = tmp_path / "work"
    work.mkdir()
    ended = subprocess.run(["bash", "-c", f"set -euo pipefail\nwork={work}\n{trap}\n{body}"], check=False, timeout=30)
    assert ended.returncode == status
    assert not work.exists()
