"""How long ITQ takes, beside faiss; full sizes with --benchmark-enable, tiny ones without.

faiss scales projections to unit length and multiplies in float64 as well; its 50 iterations are asked for.
"""

from typing import Any

import numpy as np
import pytest
import torch

import hashbench as hb
from hashbench.plugins.registry import METHODS

BITS, ITERATIONS = 64, 50
TASK = "ITQ: 50 rotations of 59,000 x 64 projections"


def projections(benchmark: Any) -> torch.Tensor:
    """Float64 [59,000, 64] of falling variance."""
    generator = torch.Generator().manual_seed(0)
    rows = 59_000 if benchmark.enabled else 590
    scale = torch.arange(BITS, 0, -1, dtype=torch.float64)
    return torch.randn(rows, BITS, generator=generator, dtype=torch.float64) * scale


def rotation(v: torch.Tensor, iterations: int) -> torch.Tensor:
    itq: Any = __import__(METHODS.get("itq").__module__, fromlist=["quantising_rotation"])
    start = itq.random_rotation(BITS, torch.Generator().manual_seed(1))
    rotation_matrix: torch.Tensor = itq.quantising_rotation(v, start, iterations)[0]
    return rotation_matrix


def test_rotation(benchmark: Any) -> None:
    v = projections(benchmark)
    benchmark.extra_info.update(task=TASK, implementation="hashbench", of="fitting")
    rotation_matrix = benchmark.pedantic(rotation, (v, ITERATIONS), rounds=5 if benchmark.enabled else 1)
    assert torch.allclose(rotation_matrix @ rotation_matrix.T, torch.eye(BITS, dtype=torch.float64), atol=1e-9)


def test_rotation_by_faiss(benchmark: Any) -> None:
    faiss = pytest.importorskip("faiss")
    faiss.omp_set_num_threads(torch.get_num_threads())
    v = projections(benchmark).float().numpy()
    benchmark.extra_info.update(task=TASK, implementation="faiss", of="fitting")

    def train() -> Any:
        matrix = faiss.ITQMatrix(BITS)
        matrix.max_iter = ITERATIONS
        matrix.train(v)
        return matrix

    assert benchmark.pedantic(train, rounds=5 if benchmark.enabled else 1).is_trained


def test_fit(benchmark: Any) -> None:
    rows = 20_000 if benchmark.enabled else 500
    x = np.random.default_rng(0).normal(size=(rows, 128)).astype(np.float32)
    method = benchmark.pedantic(
        lambda: hb.hasher("itq", bits=BITS, device="cpu").fit(x), rounds=5 if benchmark.enabled else 1
    )
    assert len(method.epochs) == ITERATIONS
