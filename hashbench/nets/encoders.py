"""Image encoders: the small one, or any backbone."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hashbench.features import backbones
from hashbench.method import Backbone

SMALL = "small"
SMALL_SIZE = 32
SMALL_WIDTHS = (16, 32, 64, 128, 256)


class ImageEncoder(nn.Module):
    """Images to feature vectors: scaling to [0, 1], normalisation per channel, then ``net``.

    Attributes:
        net: maps a normalised float batch [n, 3, size, size] to [n, dimension].
        dimension: width of its output.
        size: side of its input in pixels.
        pretrained: whether it starts from pre-trained weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, pretrained: bool) -> None:
        super().__init__()
        self.net, self.dimension, self.size = backbone.net, backbone.dimension, backbone.size
        self.pretrained = pretrained
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(backbone.std).view(1, 3, 1, 1))

    def normalise(self, images: Tensor) -> Tensor:
        """Float images, as ``net`` reads them, of uint8 [n, 3, size, size]."""
        # Channels last: on a CPU the small encoder trains 1.4 to 1.8 times as fast, most of it in max-pooling, and
        # squeezenet1_1 four times. A product and a sum in place are 13 times as fast as (images / 255 - mean) / std.
        normalised = images.contiguous(memory_format=torch.channels_last).float()
        return normalised.mul_(1 / (255 * self.std)).sub_(self.mean / self.std)

    def forward(self, images: Tensor) -> Tensor:
        """Float [n, dimension] of uint8 [n, 3, size, size]."""
        features: Tensor = self.net(self.normalise(images))
        return features


def small_backbone() -> Backbone:
    """Five 3x3 convolutions, each batch-normed, rectified and closed by a 2x2 max-pool: 32 px to 256 features.

    VGG19's five blocks at one convolution each, for images whose side 32 = 2^5 they reduce to one position.
    """
    layers: list[nn.Module] = []
    channels = 3
    for width in SMALL_WIDTHS:
        convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    return Backbone(nn.Sequential(*layers, nn.Flatten()), channels, SMALL_SIZE, (0.5,) * 3, (0.5,) * 3)


def build_encoder(name: str, backbone: Callable[[str], Backbone]) -> ImageEncoder:
    """The small encoder, newly initialised from torch's global generator, or the backbone called ``name``.

    Raises:
        LookupError: ``backbone`` has none of that name.
    """
    if name == SMALL:
        return ImageEncoder(small_backbone(), pretrained=False)
    return ImageEncoder(backbone(name), pretrained=True)


def input_size(name: str) -> int:
    """Side in pixels of the images that an encoder reads: 32 for the small one, N for "net@N", else the network's own.

    Raises:
        UsageError: no network of that name, or a size it does not take.
    """
    return SMALL_SIZE if name == SMALL else backbones.input_size(name)
