"""The discriminator: pictures to the odds of being real, and its last convolution."""

from torch import Tensor, nn

from hashbench.nets.activations import ELU


class Discriminator(nn.Module):
    """5x5 convolutions, the first of stride 1 and the others of stride 2, then two fully connected layers.

    Batch norm and ELU follow each convolution. ``size=64``, ``widths=(32, 128, 256, 256)``, ``hidden=1024`` is the
    network of BGAN's authors; the default is narrower, for pictures of 32 px.

    Args:
        size: side of the pictures, a multiple of 2^(len(widths) - 1).
        widths: channels of the convolutions.
        hidden: width of the first fully connected layer.

    Raises:
        ValueError: ``size`` cannot be halved that often.
    """

    def __init__(self, size: int = 32, widths: tuple[int, ...] = (4, 8, 16, 32), hidden: int = 64) -> None:
        super().__init__()
        side, left = divmod(size, 2 ** (len(widths) - 1))
        if left or not side:
            raise ValueError(f"discriminator: size is {size}, wanted a multiple of {2 ** (len(widths) - 1)}")
        layers: list[nn.Module] = []
        channels = 3
        for number, width in enumerate(widths):
            layers.append(nn.Conv2d(channels, width, 5, stride=2 if number else 1, padding=2))
            layers += [nn.BatchNorm2d(width), ELU()]
            channels = width
        self.convolutions = nn.Sequential(*layers[:-2])
        self.head = nn.Sequential(
            *layers[-2:], nn.Flatten(), nn.Linear(channels * side * side, hidden), ELU(), nn.Linear(hidden, 1)
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Of pictures [n, 3, size, size] in [0, 1]: logits [n] (real above 0), and phi [n, c, side, side].

        phi is the bare output of the last convolution: batch norm behind it would take away, separately from real
        and fake pictures, the very differences of mean and scale that a perceptual loss is to see.
        """
        phi: Tensor = self.convolutions(pictures)
        return self.head(phi).squeeze(1), phi
