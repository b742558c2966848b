"""The generator: codes to images."""

import torch
from torch import Tensor, nn

from hashbench.nets.activations import ELU


class Pointwise(nn.Conv2d):
    """A 1x1 convolution as the matrix product it is.

    torch's own kernel for CPUs took 13 to 35 ms, forward and backward, for 100 maps of 32 px from 8 channels to 3:
    as long as all the rest of the generator or longer.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__(channels, outputs, 1)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - Conv2d's name for it
        """Maps [n, outputs, h, w] of [n, channels, h, w]."""
        assert self.bias is not None
        flat = torch.matmul(self.weight.flatten(1), input.flatten(2)) + self.bias[:, None]
        maps: Tensor = flat.reshape(len(input), -1, *input.shape[2:])
        return maps


class Generator(nn.Module):
    """A fully connected layer to a small map, transposed 5x5 convolutions that double its side, 1x1 to colours.

    Every convolution but the last is batch-normed; ELU throughout, a sigmoid at the end. ``size=64``, ``start=256``,
    ``widths=(256, 128, 32)`` is the network of BGAN's authors; the default is narrower, for images of 32 px.

    Args:
        bits: code length.
        size: side of the images, a multiple of 2^len(widths).
        start: channels of the first map, whose side is size / 2^len(widths).
        widths: channels after each doubling.

    Raises:
        ValueError: ``size`` cannot be reached by doubling.
    """

    def __init__(self, bits: int, size: int = 32, start: int = 64, widths: tuple[int, ...] = (32, 16, 8)) -> None:
        super().__init__()
        side, remainder = divmod(size, 2 ** len(widths))
        if remainder or not side:
            raise ValueError(f"generator: size is {size}, wanted a multiple of {2 ** len(widths)}")
        layers: list[nn.Module] = [nn.Linear(bits, start * side * side), ELU(), nn.Unflatten(1, (start, side, side))]
        channels = start
        for width in widths:
            layers += [
                nn.ConvTranspose2d(channels, width, 5, stride=2, padding=2, output_padding=1, bias=False),
                nn.BatchNorm2d(width),
                ELU(),
            ]
            channels = width
        self.layers = nn.Sequential(*layers, Pointwise(channels, 3), nn.Sigmoid())

    def forward(self, codes: Tensor) -> Tensor:
        """Images [n, 3, size, size] in [0, 1] of codes [n, bits]."""
        images: Tensor = self.layers(codes)
        return images
