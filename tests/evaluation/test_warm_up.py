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
    warm_up(torch.device("cpu"))
    before = len(compiled.buffer)
    rng = np.random.default_rng(0)
    labels = rng.random((40, 21)) < .2, rng.random((9000, 21)) < .2
    for bits in (12, 130):
        codes = [Codes.pack(rng.random((len(side), bits)) < .5) for side in labels]
        evaluate(*codes, *labels, cutoff=500, device="cpu")
    features = [torch.randn(len(side), 7) for side in labels]
    evaluate_features(*features, *labels, cutoff=500, device="cpu")
print(before > 0, len(compiled.buffer) - before)
"""


@pytest.mark.slow
def test_nothing_is_left_to_compile(tmp_path: Path) -> None:
    words = [sys.executable, "-c", CODE]
    fresh = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    assert subprocess.run(words, env=fresh, capture_output=True, text=True, check=True).stdout == "True 0\n"
