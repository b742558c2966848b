"""Eigenvectors of graphs, whole and in parts, and the codes of the methods that take them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import hashbench as hb
from hashbench.shallow.graph_spectrum import graph_spectrum

SEED = 11


def graph_of(parts: int, size: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A graph of so many parts, each whole, of random weights."""
    graph = np.zeros((parts * size, parts * size))
    for part in range(parts):
        rows = slice(part * size, (part + 1) * size)
        graph[rows, rows] = rng.uniform(0.1, 1, (size, size))
    return graph + graph.T


def spectrum(graph: npt.NDArray[np.float64], count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    root, generator = torch.from_numpy(graph.sum(1) ** -0.5), torch.Generator().manual_seed(SEED)
    values, vectors = graph_spectrum(torch.from_numpy(graph), root, count, generator)
    return values.numpy(), vectors.numpy()


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_they_are_orthonormal_eigenvectors_behind_the_first(parts: int) -> None:
    graph, count = graph_of(parts, 8, np.random.default_rng(parts)), 6
    degrees = graph.sum(1)
    normalised = graph / np.sqrt(np.outer(degrees, degrees))
    values, vectors = spectrum(graph, count)
    np.testing.assert_allclose(normalised @ vectors, vectors * values, atol=1e-12)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(count), atol=1e-12)
    np.testing.assert_allclose(np.sqrt(degrees) @ vectors, 0, atol=1e-12)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(normalised)[::-1][1 : count + 1], atol=1e-12)


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_they_do_not_hang_on_rounding(parts: int) -> None:
    rng = np.random.default_rng(parts)
    graph = graph_of(parts, 8, rng)
    noise = rng.normal(size=graph.shape) * 1e-15
    values, vectors = spectrum(graph, 6)
    others, moved = spectrum(graph + (noise + noise.T) * graph, 6)
    np.testing.assert_allclose(others, values, atol=1e-12)
    np.testing.assert_allclose(moved, vectors, atol=1e-11)
    assert np.array_equal(moved == 0, vectors == 0)


@pytest.mark.parametrize(
    ("name", "parameters"), [("agh", {}), ("agh", {"layers": 2}), ("imh", {"embedding": "eigenmaps", "base": 240})]
)
def test_far_clusters_are_kept_apart_in_the_same_way_however_sums_are_rounded(
    name: str, parameters: dict[str, Any]
) -> None:
    rng = np.random.default_rng(0)
    classes = np.arange(600) % 6
    x = (rng.normal(size=(6, 10))[classes] * 50 + rng.normal(size=(600, 10))).astype(np.float32)
    other = np.ascontiguousarray(x[:, ::-1])  # the same distances, summed in another order
    codes, others = (hb.hasher(name, bits=16, seed=1, **parameters).fit(each).encode(each) for each in (x, other))
    assert (codes != others).mean() <= 1e-4
    assert (hb.evaluate(codes[:60], codes[60:], classes[:60], classes[60:]).metrics["map@1000"] or 0) > 0.95
