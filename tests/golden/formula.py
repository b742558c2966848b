"""Weights and codes by a formula: as good as random ones, without a random generator and without a file."""

import math
from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor, nn

from hashbench.features.networks import network
from hashbench.method import Backbone
from tests.features.networks import Held
from tests.golden.inputs import enlarged, stored

PERIOD = 65_521  # a prime: rows of a matrix begin at other places of the sequence
STEP = 7_919  # places between the starts of two tensors


@cache
def _chirp() -> Tensor:
    """sin(2 pi k^2 / p) for k = 0 .. p - 1: parts of it are all but uncorrelated with each other."""
    k = torch.arange(PERIOD, dtype=torch.int64)
    return torch.sin((k * k % PERIOD).double() * (2 * math.pi / PERIOD)).float()


def numbers(shape: torch.Size | tuple[int, ...], start: int = 0) -> Tensor:
    """Float32 of that shape in [-1, 1], whose squares average 1/2, from place ``start`` of the sequence on."""
    count = math.prod(shape)
    offset = start % PERIOD
    repeats = -(-(offset + count) // PERIOD)
    return _chirp().repeat(repeats)[offset : offset + count].clone().view(shape)


def formula_state(shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of these shapes: He's scale for weights, scales and variances near 1, all else near 0.

    Args:
        shapes: the network's own state dict; its values do not matter.
    """
    state = {}
    for number, (name, value) in enumerate(shapes.items()):
        drawn = numbers(value.shape, number * STEP)
        if name.endswith("num_batches_tracked"):
            drawn = torch.ones(value.shape, dtype=torch.int64)
        elif value.ndim > 1:
            drawn *= math.sqrt(4 / math.prod(value.shape[1:]))
        elif name.endswith("running_var"):
            drawn = 1 + drawn / 2
        elif name.removesuffix("weight") + "running_var" in shapes:
            drawn = 1 + drawn / 10
        else:
            drawn /= 10
        state[name] = drawn
    return state


def formula_weights(name: str, trained: bool = False) -> Held:
    """Weights of the network called "resnet50" or "timm:NAME".

    Args:
        name: the network.
        trained: its batch norms have the statistics of the stored images at 64 px, as if it had been trained on them.
    """
    net, _ = network(name).build()
    net.load_state_dict(formula_state(net.state_dict()), assign=True)
    if trained:
        _set_statistics(net, ((enlarged(stored("images"), 64).float() / 255) - 0.45) / 0.25)
    return Held(states={name: net.state_dict()})


def _set_statistics(net: nn.Module, batch: Tensor) -> None:
    """Set the statistics of all batch norms to those of ``batch``."""
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    if not norms:
        return
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 1.0
    with torch.no_grad():
        net.train()(batch)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def set_formula(net: nn.Module) -> None:
    """Replace the weights of ``net``."""
    net.load_state_dict(formula_state(net.state_dict()))


def codes(n: int, bits: int) -> Tensor:
    """Bool [n, bits]."""
    return numbers((n, bits), 100) > 0


def tiny_backbone() -> Backbone:
    """A pre-trained network of two convolutions for images of 32 px, 12-d, for what does not depend on the network."""
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 12, 3, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    set_formula(net)
    _set_statistics(net, (stored("images").float() / 255 - 0.45) / 0.25)
    return Backbone(net.eval(), 12, 32, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
