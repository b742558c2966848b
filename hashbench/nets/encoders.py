"""Image encoders: the small one, or any backbone."""

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from hashbench.data.images import normalise
from hashbench.features import backbones
from hashbench.features.frozen_layers import FrozenLayers
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
        frozen: the leading blocks that are not trained, or None.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, pretrained: bool) -> None:
        super().__init__()
        self.net, self.dimension, self.size = backbone.net, backbone.dimension, backbone.size
        self.pretrained = pretrained
        self.frozen: FrozenLayers | None = None
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(backbone.std).view(1, 3, 1, 1))

    def normalise(self, images: Tensor) -> Tensor:
        """Float images, as ``net`` reads them, of uint8 [n, 3, size, size]."""
        return normalise(images, self.mean, self.std)

    def freeze(self, blocks: int) -> None:
        """Leave the first ``blocks`` blocks of ``net`` as they are.

        Raises:
            Incompatible: ``net`` has fewer, none would be left to train, or it does not run one after the other.
        """
        if not blocks:
            return
        frozen = FrozenLayers(self.net, blocks)
        noise = torch.Generator().manual_seed(0)
        frozen.check(torch.randn(2, 3, self.size, self.size, generator=noise).to(self.mean.device))
        self.frozen = frozen

    def fix_statistics(self) -> None:
        """Have batch norms normalise by the statistics they have, in training too, until the next ``train()``."""
        for layer in self.net.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.eval()

    def inputs(self, images: Tensor) -> Tensor:
        """The inputs of :meth:`trained_part` for uint8 [n, 3, size, size].

        Normalised images; behind frozen blocks their maps in float16, as the engine keeps them.
        """
        normalised = self.normalise(images)
        return normalised if self.frozen is None else self.frozen(normalised).half()

    def trained_part(self, inputs: Tensor) -> Tensor:
        """Float [n, dimension] of :meth:`inputs`."""
        with self.frozen.skipped() if self.frozen else nullcontext():
            features: Tensor = self.net(inputs.float())
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Float [n, dimension] of uint8 [n, 3, size, size]."""
        return self.trained_part(self.inputs(images))


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
