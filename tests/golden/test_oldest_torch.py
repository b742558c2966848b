"""The goldens also run on the oldest torch that hashbench allows: .ci/run has an environment with it."""

import re
import tomllib

from tests.golden.parts import ROOT


def test_ci_has_the_oldest_versions_that_are_allowed() -> None:
    allowed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for name in ("torch", "torchvision"):
        (oldest,) = (line.partition(">=")[2] for line in allowed if re.fullmatch(rf"{name}>=[\d.]+", line))
        assert f'"{name}=={oldest}.0"' in script, f".ci/run installs another {name} than {oldest}.0"
