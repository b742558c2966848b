"""How long ITQ takes to fit: 20,000 x 128 features, 64 bits, 50 iterations."""

from typing import Any

import numpy as np

import hashbench as hb


def test_fit(benchmark: Any) -> None:
    x = np.random.default_rng(0).normal(size=(20_000, 128)).astype(np.float32)
    method = benchmark(lambda: hb.method("itq", bits=64, device="cpu").fit(x))
    assert len(method.epochs) == 50
