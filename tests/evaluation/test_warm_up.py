"""No evaluation that comes after the warm-up compiles anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import numpy as np, torch
from numba.core import event
from hashbench.codes import Codes
from hashbench.evaluation.evaluate import evaluate, evaluate_features, warm_up

with event.install_recorder("numba:compile") as compiled:
    rng = np.random.default_rng(0)
    several = rng.random((40, 21)) < .2, rng.random((9000, 21)) < .2
    one = [np.eye(21, dtype=bool)[side.argmax(1)] for side in several]
    loaded = []
    for graded, kinds in ((False, (one, [side.argmax(1) for side in one])), (True, (several,))):
        warm_up(torch.device("cpu"), graded)
        loaded.append(len(compiled.buffer))
        for labels in kinds:
            for bits in (12, 130):
                codes = [Codes.pack(rng.random((len(side), bits)) < .5) for side in labels]
                evaluate(*codes, *labels, cutoff=500, device="cpu")
            features = [torch.randn(len(side), 7) for side in labels]
            evaluate_features(*features, *labels, cutoff=500, device="cpu")
        loaded.append(len(compiled.buffer))
print(0 < loaded[0], loaded[1] - loaded[0], loaded[1] < loaded[2], loaded[3] - loaded[2])
"""


@pytest.mark.slow
def test_nothing_is_left_to_compile(tmp_path: Path) -> None:
    words = [sys.executable, "-c", CODE]
    fresh = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    assert subprocess.run(words, env=fresh, capture_output=True, text=True, check=True).stdout == "True 0 True 0\n"
