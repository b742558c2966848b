"""The goldens also run on the oldest torch that hashbench allows: .ci/run has an environment with it."""

import re
import tomllib

import pytest

from tests.golden.parts import ROOT


def test_ci_has_the_oldest_versions_that_are_allowed() -> None:
    allowed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    file = ROOT / ".ci/run"
    if not file.is_file():
        pytest.skip("no .ci/run beside the tests")
    script = file.read_text(encoding="utf-8")
    for name in ("torch", "torchvision"):
        (oldest,) = (line.partition(">=")[2] for line in allowed if re.fullmatch(rf"{name}>=[\d.]+", line))
        assert f'"{name}=={oldest}.0"' in script, f".ci/run installs another {name} than {oldest}.0"
