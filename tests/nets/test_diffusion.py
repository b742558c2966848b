"""S by diffusion, beside dense sums of powers."""

import numpy as np
import pytest
import torch
from torch import Tensor

from hashbench.nets import diffusion
from hashbench.nets.diffusion import diffusion_structure


def dense(features: Tensor, k: int, similar: int, alpha: float, steps: int) -> Tensor:
    """The same by definition: one matrix power after the other, one row after the other."""
    n, unit = len(features), torch.nn.functional.normalize(features.double(), dim=1)
    cosines = (unit @ unit.T).fill_diagonal_(-2)
    graph = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):
        for j in cosines[i].topk(k).indices:
            graph[i, j] = graph[j, i] = 1
    root = graph.sum(1).sqrt()
    walk = graph / root[:, None] / root
    reached = sum(((alpha * walk).matrix_power(t) for t in range(1, steps + 1)), torch.eye(n, dtype=torch.float64))
    found = -torch.ones(n, n)
    for i in range(n):
        order = sorted((j for j in range(n) if j != i and reached[i, j] > 0), key=lambda j: (-float(reached[i, j]), j))
        for j in [i, *order[:similar]]:
            found[i, j] = found[j, i] = 1
    return found


@pytest.mark.parametrize(("k", "similar", "alpha", "steps"), [(3, 6, 0.9, 20), (2, 30, 0.5, 3), (5, 200, 0.9, 1)])
def test_it_is_what_dense_powers_say(
    k: int, similar: int, alpha: float, steps: int, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffusion, "CHUNK_ITEMS", 17)
    features = torch.randn(60, 4, generator=generator)
    monkeypatch.setattr(diffusion, "LEAST_ITEMS", 1)
    found = diffusion_structure(features, k, similar, alpha, steps).block(torch.arange(60))
    assert torch.equal(found, dense(features, k, similar, alpha, steps))


def test_in_a_small_set_few_items_are_similar(generator: torch.Generator) -> None:
    found = diffusion_structure(torch.randn(160, 4, generator=generator), 3, 400)
    assert 10 <= len(found.pairs()[0]) / 160 <= 20


def test_what_no_path_joins_is_never_similar(generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffusion, "LEAST_ITEMS", 1)
    far = torch.cat([torch.randn(10, 3, generator=generator) + 50, torch.randn(10, 3, generator=generator) - 50])
    found = diffusion_structure(far, 3, 20).block(torch.arange(20))
    assert torch.equal(found[:10, :10], torch.ones(10, 10))
    assert torch.equal(found[:10, 10:], -torch.ones(10, 10))


def test_among_equals_the_lower_index_comes_first() -> None:
    scores, items = np.array([[0.0, 0.5, 0.5, 0.5, 0.2]]), np.array([0])
    assert np.flatnonzero(diffusion._largest(scores, items, 2)[0]).tolist() == [0, 1, 2]
    assert np.flatnonzero(diffusion._largest(scores, items, 4)[0]).tolist() == [0, 1, 2, 3, 4]
    assert np.flatnonzero(diffusion._largest(np.array([[0.0, 0.5, 0.0]]), items, 2)[0]).tolist() == [0, 1]


def test_it_finds_items_of_a_class_that_neighbours_alone_do_not_reach(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two spirals: along each, neighbours lead from one end to the other."""
    monkeypatch.setattr(diffusion, "LEAST_ITEMS", 1)
    angle = torch.linspace(0, 3, 100)
    ring = torch.stack([torch.cos(angle), torch.sin(angle)], 1)
    first = torch.cat([ring, torch.full((100, 1), 0.4)], 1)
    second = torch.cat([ring, torch.full((100, 1), -0.4)], 1)
    features = torch.cat([first, second]) + 0.001 * torch.randn(200, 3, generator=generator)
    same = torch.arange(200) < 100
    found = diffusion_structure(features, 4, 60).block(torch.arange(200)) > 0
    agreeing = (found & (same[:, None] == same)).sum() / found.sum()
    unit = torch.nn.functional.normalize(features, dim=1)
    nearest = (unit @ unit.T).topk(61).indices
    plain = (same[nearest] == same[:, None]).float().mean()
    assert agreeing > 0.99 > plain
