"""Parses specs of features, "NAME@SIZE": the pre-trained network of that name, and the size."""

from hashbench.errors import UsageError, unknown
from hashbench.features.lite_nets import LITE_NETS
from hashbench.features.pretrained import Pretrained
from hashbench.features.timm_nets import PREFIX, timm_net
from hashbench.features.torchvision_nets import NETS

NAMED: dict[str, Pretrained] = {**NETS, **LITE_NETS}


def net_name(spec: str) -> str:
    """The network's name in a spec: "squeezenet1_1" of "squeezenet1_1@128"."""
    return spec.partition("@")[0]


def asked_size(spec: str, sizes: range) -> int | None:
    """The side in pixels that ``spec`` asks for behind its "@", or None if it names no size.

    Args:
        spec: "NAME" or "NAME@SIZE".
        sizes: the allowed sizes; empty if the features have one fixed size.

    Raises:
        UsageError: a size that is not allowed.
    """
    name, at, size = spec.partition("@")
    if not at:
        return None
    if not sizes:
        raise UsageError(f"features {spec!r}: {name} has a size of its own; write {name!r}")
    if not (size.isascii() and size.isdigit() and size[0] != "0" and int(size) in sizes):  # one spelling each
        example = 128 if 128 in sizes else sizes[0]
        raise UsageError(
            f"features {spec!r}: size is {size!r}, wanted {sizes[0]} to {sizes[-1]} pixels, as in '{name}@{example}'"
        )
    return int(size)


def is_network(name: str) -> bool:
    """True for a supported network of torchvision, for EfficientNet-Lite and for any name that begins with "timm:"."""
    return name in NAMED or name.startswith(PREFIX)


def network(name: str) -> Pretrained:
    """The network called "resnet50" or "timm:NAME".

    Raises:
        UsageError: there is no network of that name.
    """
    if name.startswith(PREFIX):
        return timm_net(name)
    if name not in NAMED:
        raise unknown("network", name, [*NAMED, f"{PREFIX}NAME"])
    return NAMED[name]
