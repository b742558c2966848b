"""The hash layer: features to as many numbers as there are bits."""

import torch
from torch import Tensor, nn

DEVIATION = 0.001  # of the last layer's first weights (BGAN's authors)


class HashHead(nn.Module):
    """Features [n, dimension] to z [n, bits], whose signs are the code.

    Args:
        dimension: of the features.
        bits: of the code.
        hidden: width of a layer with ReLU before the last; 0 for one linear map.
        centred: take mean and scale out of each feature first, by batch norm without parameters. When encoding that
            is a fixed affine map, so with ``hidden=0`` the head stays linear.
    """

    def __init__(self, dimension: int, bits: int, hidden: int = 0, centred: bool = True) -> None:
        super().__init__()
        self.centre = nn.BatchNorm1d(dimension, affine=False) if centred else nn.Identity()
        self.hidden = nn.Sequential(nn.Linear(dimension, hidden), nn.ReLU()) if hidden else nn.Identity()
        self.last = nn.Linear(hidden or dimension, bits)
        nn.init.normal_(self.last.weight, std=DEVIATION)
        nn.init.normal_(self.last.bias, std=DEVIATION)

    def forward(self, features: Tensor) -> Tensor:
        """Float32 [n, bits], whatever an autocast around it says: the sign of a rounded z would be another."""
        with torch.autocast(features.device.type, enabled=False):
            z: Tensor = self.last(self.hidden(self.centre(features.float())))
        return z
