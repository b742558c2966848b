"""Pre-trained networks by name: torchvision's from their table, timm's by prefix."""

from hashbench.errors import unknown
from hashbench.features.pretrained import Pretrained
from hashbench.features.timm_nets import PREFIX, timm_net
from hashbench.features.torchvision_nets import NETS


def is_network(name: str) -> bool:
    """Whether the name is one of torchvision's here, or means one of timm's."""
    return name in NETS or name.startswith(PREFIX)


def network(name: str) -> Pretrained:
    """The network called "resnet50" or "timm:NAME".

    Raises:
        UsageError: there is none of that name.
    """
    if name.startswith(PREFIX):
        return timm_net(name)
    if name not in NETS:
        raise unknown("network", name, [*NETS, f"{PREFIX}NAME"])
    return NETS[name]
