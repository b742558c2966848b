"""Networks with random weights, for tests that have no published ones."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from hashbench.features.state_dicts import Outline, outlines
from hashbench.features.weights import Weights


@dataclass(frozen=True)
class Held(Weights):
    """Weights that lie in memory."""

    states: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        return Path(f"{name}.pth")

    def state(self, name: str) -> dict[str, Tensor]:
        return {key: value.clone() for key, value in self.states[name].items()}

    def outlines(self, name: str) -> dict[str, Outline]:
        return outlines(self.states[name])

    def sum(self, name: str) -> str:
        return "0" * 64


def random_net(name: str) -> nn.Module:
    """Torchvision's network, in eval mode, with statistics of its batch norms that are not the initial ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net: nn.Module = torchvision.models.get_model(name, weights=None)
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None and layer.running_var is not None:
                layer.running_mean.normal_(std=0.1)
                layer.running_var.uniform_(0.5, 1.5)
    return net.eval()
