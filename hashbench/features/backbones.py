"""Backbones by spec, "squeezenet1_1@128": a pre-trained network with its weights, cut behind its features."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from hashbench.errors import UsageError
from hashbench.features.networks import asked_size, is_network, net_name, network
from hashbench.features.preprocessing import Preprocessing
from hashbench.features.pretrained import Pretrained
from hashbench.features.weights import Weights
from hashbench.method import Backbone

NAMED = 3  # tensors named in a message
_fitted: set[tuple[str, str]] = set()  # networks with the sums of weights that were seen to fit them


def is_backbone(spec: str) -> bool:
    """Whether a spec names a pre-trained network and no other features."""
    return is_network(net_name(spec))


def preprocessing(spec: str) -> Preprocessing:
    """The network's published preprocessing; with "@SIZE" that of the largest centred square at this size.

    Raises:
        UsageError: no such network, or not at this size.
    """
    net = network(net_name(spec))
    return net.preprocessing.at(asked_size(spec, net.sizes))


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
    view, source = preprocessing(spec), network(net_name(spec))
    net, left_out, state = _fitting(source, weights)
    kept = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    net.load_state_dict({name: kept[name] for name in kept.keys() - left_out}, strict=False, assign=True)
    return _adapted(net, source, view)


def bare_backbone(spec: str) -> Backbone:
    """The network of :func:`load_backbone` without its weights, for a kept state that brings every tensor.

    Until then they are zeros; no file is read and nothing is downloaded.

    Raises:
        UsageError: no such network or size.
    """
    view, source = preprocessing(spec), network(net_name(spec))
    net, _ = source.build()
    empty = {name: torch.zeros_like(value, device="cpu") for name, value in net.state_dict().items()}
    net.load_state_dict(empty, assign=True)
    return _adapted(net, source, view)


def _adapted(net: nn.Module, source: Pretrained, view: Preprocessing) -> Backbone:
    """The network in eval mode and channels-last order, reading images of the size asked for."""
    dimension = source.adapt(net, view.size)
    net = net.eval().to(memory_format=torch.channels_last)
    return Backbone(net, dimension, view.size, view.mean, view.std)


def checked_sum(name: str, weights: Weights) -> str:
    """Checksum (sha256, hexadecimal) of a network's weights, which are of this network.

    Raises:
        UsageError: no such network, no weights, or weights of another network.
    """
    found = weights.sum(name)
    if (name, found) not in _fitted:
        _fitting(network(name), weights)
        _fitted.add((name, found))
    return found


def _fitting(source: Pretrained, weights: Weights) -> tuple[nn.Module, frozenset[str], dict[str, Tensor]]:
    """A network without its weights, the names of the tensors it left out, and a state dict that fits."""
    net, left_out = source.build()
    state = weights.state(source.name)
    _check_fits(net.state_dict(), state, left_out, f"weights {weights.file(source.name)} do not fit {source.name}")
    return net, left_out, state


def _check_fits(own: Mapping[str, Tensor], state: Mapping[str, Tensor], left_out: frozenset[str], what: str) -> None:
    """Compare a network's own tensors with those of a state dict, which may have those the network left out.

    Raises:
        UsageError: a tensor is missing, unknown or of another shape; ``what`` begins the message.
    """
    counters = {name for name in own if name.endswith("num_batches_tracked")}  # older files lack them
    faults = {
        "lacks": own.keys() - state.keys() - counters,
        "has the unknown": state.keys() - own.keys() - left_out,
        "has in other shapes": {n for n in own.keys() & state.keys() if own[n].shape != state[n].shape},
    }
    found = [f"it {verb} {_some(names)}" for verb, names in faults.items() if names]
    if found:
        raise UsageError(f"{what}: {', '.join(found)}")


def _some(names: Iterable[str]) -> str:
    """The first names, and how many more."""
    ordered = sorted(names)
    more = f" and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
    return f"{', '.join(ordered[:NAMED])}{more}"
