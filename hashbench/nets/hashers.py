"""An encoder with a hash head: images to as many numbers as there are bits."""

import torch
from torch import Tensor, nn

from hashbench.nets.encoders import ImageEncoder

INIT_STD = 0.001  # of the last layer's first weights (BGAN's authors)


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
        nn.init.normal_(self.last.weight, std=INIT_STD)
        nn.init.normal_(self.last.bias, std=INIT_STD)

    def forward(self, features: Tensor) -> Tensor:
        """Float32 [n, bits], inside an autocast too: the sign of a rounded z could differ."""
        with torch.autocast(features.device.type, enabled=False):
            z: Tensor = self.last(self.hidden(self.centre(features.float())))
        return z


class ImageHasher(nn.Module):
    """Uint8 images [n, 3, size, size] to z [n, bits]."""

    def __init__(self, encoder: ImageEncoder, bits: int, hidden: int = 0, centred: bool = True) -> None:
        super().__init__()
        self.encoder, self.bits = encoder, bits
        self.head = HashHead(encoder.dimension, bits, hidden, centred)

    def forward(self, images: Tensor) -> Tensor:
        """Float32 [n, bits]."""
        return self.from_inputs(self.encoder.inputs(images))

    def from_inputs(self, inputs: Tensor) -> Tensor:
        """Float32 [n, bits] of the inputs of the encoder's trained part."""
        z: Tensor = self.head(self.encoder.trained_part(inputs))
        return z
