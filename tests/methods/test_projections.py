"""``project``: what a method takes the signs of, for rankings and files that need more than the bits."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import hashbench as hb
from hashbench.method import HashMethod
from hashbench.plugins.registry import METHODS

LINEAR = [name for name in METHODS.names() if METHODS.get(name).linear is not HashMethod.linear]
PROJECTING = [name for name in METHODS.names() if name in LINEAR or METHODS.get(name).project is not HashMethod.project]
SHORT: dict[str, dict[str, Any]] = {"tanh_autoencoder": {"epochs": 2}, "ste_autoencoder": {"epochs": 2}}
Pixels = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def on_features() -> list[str]:
    return [name for name in PROJECTING if METHODS.get(name).traits.input == "features"]


def fitted(name: str, x: npt.NDArray[np.float32]) -> HashMethod:
    labels = np.arange(len(x)) % 5 if METHODS.get(name).traits.supervised else None
    return hb.hasher(name, bits=x.shape[1], device="cpu", **SHORT.get(name, {})).fit(x, labels=labels).fitted


def test_linear_and_shallow_methods_have_one() -> None:
    assert set(LINEAR) >= {"itq", "lsh", "pcah", "spectral", "sign", "rotated_sign"}
    assert set(PROJECTING) >= {"itq", "lsh", "pcah", "spectral", "tanh_autoencoder", "ste_autoencoder"}


@pytest.mark.parametrize("name", on_features())
def test_bits_are_the_signs_of_the_projection(name: str, digits_pixels: Pixels) -> None:
    method = fitted(name, digits_pixels[0][:200])
    batch = torch.from_numpy(digits_pixels[1][:100])
    projection = method.project(batch)
    assert projection is not None
    assert projection.is_floating_point()
    assert projection.shape == (100, 64)
    assert not projection.requires_grad
    bits = projection >= 0 if method.traits.zero_is_one else projection > 0
    assert torch.equal(bits, method.encode(batch))


@pytest.mark.parametrize("name", on_features())
def test_the_bit_of_a_projection_of_zero_is_what_the_traits_say(name: str) -> None:
    constant = np.zeros((64, 16), dtype=np.float32)
    method = fitted(name, constant)
    projection = method.project(torch.from_numpy(constant))
    assert projection is not None
    bits = method.encode(torch.from_numpy(constant))
    assert (bits[projection == 0] == method.traits.zero_is_one).all()
