"""The generator: codes to pictures."""

from torch import Tensor, nn

from hashbench.nets.activations import ELU


class Generator(nn.Module):
    """A fully connected layer to a small map, transposed 5x5 convolutions that double its side, 1x1 to colours.

    Every convolution but the last is batch-normed; ELU throughout, a sigmoid at the end. ``size=64``, ``start=256``,
    ``widths=(256, 128, 32)`` is the network of BGAN's authors; the default is narrower, for pictures of 32 px.

    Args:
        bits: code length.
        size: side of the pictures, a multiple of 2^len(widths).
        start: channels of the first map, whose side is size / 2^len(widths).
        widths: channels after each doubling.

    Raises:
        ValueError: ``size`` cannot be reached by doubling.
    """

    def __init__(self, bits: int, size: int = 32, start: int = 64, widths: tuple[int, ...] = (32, 16, 8)) -> None:
        super().__init__()
        side, left = divmod(size, 2 ** len(widths))
        if left or not side:
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
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 3, 1), nn.Sigmoid())

    def forward(self, codes: Tensor) -> Tensor:
        """Pictures [n, 3, size, size] in [0, 1] of codes [n, bits]."""
        pictures: Tensor = self.layers(codes)
        return pictures
