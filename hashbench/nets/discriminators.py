"""The discriminator: images to logits of being real, with its last convolution and its hidden layer."""

from torch import Tensor, nn

from hashbench.nets.activations import ELU


class Discriminator(nn.Module):
    """5x5 convolutions of stride 2, then two fully connected layers; batch norm and ELU follow each convolution.

    ``size=64``, ``widths=(32, 128, 256, 256)``, ``first_stride=1``, ``hidden=1024`` is the network of BGAN's authors.
    The default, for images of 32 px, is narrower and halves from the start: on a CPU a convolution at full size
    would cost more than all the others.

    Args:
        size: side of the images, a multiple of the product of all strides.
        widths: channels of the convolutions.
        first_stride: 2, or 1 for a first convolution at full size.
        hidden: width of the first fully connected layer.

    Raises:
        ValueError: ``size`` cannot be halved that often.
    """

    def __init__(
        self, size: int = 32, widths: tuple[int, ...] = (8, 16, 32), first_stride: int = 2, hidden: int = 64
    ) -> None:
        super().__init__()
        reduction = first_stride * 2 ** (len(widths) - 1)
        side, remainder = divmod(size, reduction)
        if remainder or not side:
            raise ValueError(f"discriminator: size is {size}, wanted a multiple of {reduction}")
        layers: list[nn.Module] = []
        channels = 3
        for number, width in enumerate(widths):
            layers.append(nn.Conv2d(channels, width, 5, stride=2 if number else first_stride, padding=2))
            layers += [nn.BatchNorm2d(width), ELU()]
            channels = width
        self.convolutions = nn.Sequential(*layers[:-2])
        self.hidden = nn.Sequential(*layers[-2:], nn.Flatten(), nn.Linear(channels * side * side, hidden), ELU())
        self.last = nn.Linear(hidden, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of images [n, 3, size, size] in [0, 1]: logits [n] (real above 0), phi [n, c, side, side], hidden [n, h].

        phi is the output of the last convolution before batch norm, which would take the differences of mean and
        scale between real and fake images out of a perceptual loss.
        """
        phi: Tensor = self.convolutions(images)
        hidden: Tensor = self.hidden(phi)
        return self.last(hidden).squeeze(1), phi, hidden
