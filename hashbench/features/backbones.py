"""Backbones by spec ("squeezenet1_1@128"): pre-trained networks with weights, cut behind their features."""

from collections.abc import Iterable, Mapping

import torch
from torch import nn

from hashbench.errors import UsageError
from hashbench.features.networks import asked_size, is_network, net_name, network
from hashbench.features.preprocessing import Preprocessing
from hashbench.features.pretrained import Pretrained
from hashbench.features.state_dicts import Outline, outlines
from hashbench.features.weights import Weights
from hashbench.method import Backbone

MAX_NAMED_TENSORS = 3  # in a message
_fitting: set[tuple[str, str]] = set()  # networks with the sums of weights that fit them


def is_backbone(spec: str) -> bool:
    """True for the spec of a pre-trained network, False for other features."""
    return is_network(net_name(spec))


def preprocessing(spec: str) -> Preprocessing:
    """The network's published preprocessing; with "@SIZE" the largest centred square at that size.

    Raises:
        UsageError: no such network, or not at this size.
    """
    net = network(net_name(spec))
    return net.preprocessing_at(asked_size(spec, net.sizes))


def input_size(spec: str) -> int:
    """Side in pixels of the images that the backbone reads.

    Raises:
        UsageError: no such network, or not at this size.
    """
    return preprocessing(spec).size


def load_backbone(spec: str, weights: Weights) -> Backbone:
    """A fresh network with its weights, on the CPU, trainable, in eval mode and channels-last order.

    Raises:
        UsageError: no such network or size, no weights, or weights of another network.
    """
    inputs, source = preprocessing(spec), network(net_name(spec))
    net, left_out = source.build()
    state = source.own_names(weights.state(source.name))
    _check_fits(outlines(net.state_dict()), outlines(state), left_out, source, weights)
    widened = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    net.load_state_dict({name: widened[name] for name in widened.keys() - left_out}, strict=False, assign=True)
    return _adapted(net, source, inputs)


def bare_backbone(spec: str) -> Backbone:
    """The network of :func:`load_backbone` with zeros for weights, for a recorded state that has every tensor.

    Reads no file and downloads nothing.

    Raises:
        UsageError: no such network or size.
    """
    inputs, source = preprocessing(spec), network(net_name(spec))
    net, _ = source.build()
    empty = {name: torch.zeros_like(value, device="cpu") for name, value in net.state_dict().items()}
    net.load_state_dict(empty, assign=True)
    return _adapted(net, source, inputs)


def _adapted(net: nn.Module, source: Pretrained, inputs: Preprocessing) -> Backbone:
    """The network in eval mode and channels-last order, adapted to the size of ``inputs``."""
    dimension = source.adapt(net, inputs.size)
    net = net.eval().to(memory_format=torch.channels_last)
    return Backbone(net, dimension, inputs.size, inputs.mean, inputs.std)


def checked_sum(name: str, weights: Weights) -> str:
    """Checksum (sha256, hexadecimal) of a network's weights, after a check that they are of this network.

    The check compares names, shapes and kinds of numbers; the network it builds for them takes no memory (device
    "meta"). Published weights whose sum is known are not checked: building some networks takes seconds of imports.

    Raises:
        UsageError: no such network, no weights, or weights of another network.
    """
    source = network(name)
    source.require()
    sha256 = weights.sum(name)
    if sha256 not in source.fitting_sums and (name, sha256) not in _fitting:
        net, left_out = _build_on_meta(source)
        own = outlines(net.state_dict())
        _check_fits(own, source.own_names(weights.outlines(name)), left_out, source, weights)
        _fitting.add((name, sha256))
    return sha256


def _build_on_meta(source: Pretrained) -> tuple[nn.Module, frozenset[str]]:
    try:
        with torch.device("meta"):
            return source.build()
    except RuntimeError:  # older networks of timm read values while they are built
        return source.build()


def _check_fits(
    own: Mapping[str, Outline],
    state: Mapping[str, Outline],
    left_out: frozenset[str],
    source: Pretrained,
    weights: Weights,
) -> None:
    """Compare a network's own tensors with those of a state dict, which may have those it left out.

    Raises:
        UsageError: a tensor is missing, unknown, of another shape, or not of floating-point numbers where it should be.
    """
    both = own.keys() & state.keys()
    counters = {name for name in own if name.endswith("num_batches_tracked")}  # missing from older files
    faults = {
        "lacks": own.keys() - state.keys() - counters,
        "has the unknown": state.keys() - own.keys() - left_out,
        "has in other shapes": {n for n in both if own[n].shape != state[n].shape},
        "has no floating-point numbers for": {n for n in both if own[n].floating and not state[n].floating},
    }
    reasons = [f"it {verb} {_some(names)}" for verb, names in faults.items() if names]
    if reasons:
        raise UsageError(f"weights {weights.file(source.name)} do not fit {source.name}: {', '.join(reasons)}")


def _some(names: Iterable[str]) -> str:
    """The first names, and the number of the others."""
    ordered = sorted(names)
    more = f" and {len(ordered) - MAX_NAMED_TENSORS} more" if len(ordered) > MAX_NAMED_TENSORS else ""
    return f"{', '.join(ordered[:MAX_NAMED_TENSORS])}{more}"
