"""The matrix S and the neighbours under it, beside the same step written plainly or by another library.

Full sizes with --benchmark-enable, tiny ones (does it still run) without.
"""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hashbench.evaluation.neighbourhoods import neighbourhood_quality
from hashbench.nets.nearest import nearest
from hashbench.nets.neighbours import neighbourhood_structure
from tests.evaluation.peak_memory import multi_hot

K1, K2 = 20, 30


def features(benchmark: Any, items: int) -> Tensor:
    """Float32 [items, 2048] around 100 centres; a hundredth of the items, in 64 dimensions, if only tried."""
    items, dimension = (items, 2048) if benchmark.enabled else (max(items // 100, 100), 64)
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(100, dimension, generator=generator)
    return centres[torch.arange(items) % 100] + 2 * torch.randn(items, dimension, generator=generator)


def plainly_nearest(features: Tensor, count: int) -> Tensor:
    """The whole matrix of cosines at once."""
    unit = functional.normalize(features, dim=1)
    return (unit @ unit.T).fill_diagonal_(-2).topk(count, dim=1).indices


def by_sets(features: Tensor, k1: int, k2: int) -> list[set[int]]:
    """The positive entries of S by Python's sets, row by row, as the authors' script makes them."""
    near = [{row, *others} for row, others in enumerate(plainly_nearest(features, k1).tolist())]
    positive: list[set[int]] = [set() for _ in near]
    for i, own in enumerate(near):
        ranked = sorted(range(len(near)), key=lambda j, own=own: (-len(own & near[j]), j))  # type: ignore[misc]
        for k in ranked[:k2]:
            positive[i] |= near[k]
    return positive


def test_structure(benchmark: Any) -> None:
    x = features(benchmark, 10_000)
    assert benchmark.pedantic(neighbourhood_structure, (x, K1, K2), rounds=3).n == len(x)


def test_structure_of_2000(benchmark: Any) -> None:
    x = features(benchmark, 2_000)
    assert benchmark.pedantic(neighbourhood_structure, (x, K1, K2), rounds=3).n == len(x)


def test_structure_of_2000_by_sets(benchmark: Any) -> None:
    x = features(benchmark, 2_000)
    assert len(benchmark.pedantic(by_sets, (x, K1, K2), rounds=1)) == len(x)


def of_graph(benchmark: Any, items: int, implementation: str) -> None:
    """What the table of ratios calls it."""
    benchmark.extra_info.update(
        task=f"{K1} nearest neighbours of {items:,} x 2,048", implementation=implementation, of="fitting"
    )


@pytest.mark.parametrize("items", [10_000, 50_000])
def test_nearest(benchmark: Any, items: int) -> None:
    x = features(benchmark, items)
    of_graph(benchmark, items, "hashbench")
    assert benchmark.pedantic(nearest, (x, K1), rounds=3 if items < 50_000 else 1).shape == (len(x), K1)


def test_nearest_written_plainly(benchmark: Any) -> None:
    x = features(benchmark, 10_000)
    of_graph(benchmark, 10_000, "written plainly")
    assert benchmark.pedantic(plainly_nearest, (x, K1), rounds=3).shape == (len(x), K1)


@pytest.mark.parametrize("items", [10_000, 50_000])
def test_nearest_by_faiss(benchmark: Any, items: int) -> None:
    faiss = pytest.importorskip("faiss")
    faiss.omp_set_num_threads(torch.get_num_threads())
    unit = functional.normalize(features(benchmark, items), dim=1).numpy()
    of_graph(benchmark, items, "faiss")

    def search() -> Any:
        index = faiss.IndexFlatIP(unit.shape[1])
        index.add(unit)
        return index.search(unit, K1 + 1)[1]

    assert benchmark.pedantic(search, rounds=3 if items < 50_000 else 1).shape == (len(unit), K1 + 1)


def test_block_of_a_batch(benchmark: Any) -> None:
    similarity = neighbourhood_structure(features(benchmark, 10_000), K1, K2)
    rows = torch.arange(0, similarity.n, similarity.n // 100)
    assert benchmark(similarity.block, rows).shape == (100, 100)


def test_quality(benchmark: Any) -> None:
    similarity = neighbourhood_structure(features(benchmark, 10_000), K1, K2)
    labels = multi_hot(similarity.n, 81)
    assert benchmark(neighbourhood_quality, *similarity.pairs(), labels)["per_item"] > K1
