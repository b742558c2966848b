"""BGAN's costly steps, each beside the same step written plainly where there is one."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import hashbench
from hashbench.dataset_spec import open_dataset
from hashbench.nets.neighbours import neighbourhood_structure
from tests.pictures import pictures


@pytest.fixture(scope="module")
def images() -> Tensor:
    """The 1,597 training digits, uint8 [1597, 1, 8, 8]."""
    digits = open_dataset("digits", Path())
    return pictures(digits, digits.split().train)


def plain_structure(features: Tensor, k1: int, k2: int) -> list[set[int]]:
    """The positive entries of S by Python's sets, row by row, as the authors' script makes them."""
    unit = torch.nn.functional.normalize(features, dim=1)
    order = (unit @ unit.T).fill_diagonal_(2).sort(dim=1, descending=True, stable=True).indices[:, : k1 + 1]
    near = [set(row) for row in order.tolist()]
    positive: list[set[int]] = [set() for _ in near]
    for i, own in enumerate(near):
        ranked = sorted(range(len(near)), key=lambda j, own=own: (-len(own & near[j]), j))  # type: ignore[misc]
        for k in ranked[:k2]:
            positive[i] |= near[k]
    return positive


def test_structure_sparse(benchmark: Any, images: Tensor) -> None:
    features = images.flatten(1).float()
    assert benchmark(neighbourhood_structure, features, 20, 30).n == len(images)


def test_structure_by_sets(benchmark: Any, images: Tensor) -> None:
    features = images.flatten(1).float()
    assert len(benchmark.pedantic(plain_structure, (features[:400], 20, 30), rounds=1)) == 400


def test_epoch_of_the_whole_objective(benchmark: Any, images: Tensor) -> None:
    method = hashbench.method("bgan", bits=32, device="cpu", epochs=1)
    benchmark.extra_info["images"] = len(images)
    benchmark.pedantic(method.fit, (images,), rounds=1)
    assert len(method.epochs) == 1


def test_epoch_of_the_neighbourhood_alone(benchmark: Any, images: Tensor) -> None:
    method = hashbench.method("bgan", bits=32, device="cpu", epochs=1, pixel=0.0, perceptual=0.0, adversarial=0.0)
    benchmark.extra_info["images"] = len(images)
    benchmark.pedantic(method.fit, (images,), rounds=1)
    assert len(method.epochs) == 1


def test_encode(benchmark: Any, images: Tensor) -> None:
    method = hashbench.method("bgan", bits=32, device="cpu", epochs=1, pixel=0.0, perceptual=0.0, adversarial=0.0)
    method.fit(images[:100])
    benchmark.extra_info["images"] = len(images)
    assert benchmark(method.encode, images).shape == (len(images), 32)
