"""Autoencoder with the bi-half layer: in every batch, half of the items have a bit."""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional

from hashbench.method import Traits
from hashbench.nets.autoencoders import AutoencoderMethod


class BiHalfAutoencoder(AutoencoderMethod):
    """mean (x - decoder(b))^2 with b the bi-half code of the batch (Li and van Gemert 2021, section 3).

    Forward, each bit is +1 for the half of the batch with the larger values and -1 for the other: of all balanced
    bits the nearest to z (optimal transport between z and two equal halves, equation 5), which has the largest entropy
    that a bit can have. Backward, z gets the gradient of b and a pull towards its half, gamma (z - b) / (B bits)
    (equation 8). The code of a single item is sgn(z), as in the authors' code.

    Args:
        bits, hidden, epochs, batch, rate: see the base class.
        gamma: of the pull, 0 or more; 1 in the authors' autoencoder (6 in their network on images).

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        zero_is_one=True,
        paper="Li and van Gemert, Deep unsupervised image hashing by maximizing bit entropy, AAAI 2021",
        presets={"quick": {"epochs": 20}},
    )

    def __init__(
        self, bits: int, hidden: int = 0, gamma: float = 1.0, epochs: int = 100, batch: int = 128, rate: float = 1e-3
    ) -> None:
        super().__init__(bits, hidden, epochs, batch, rate)
        self.gamma = gamma
        if not gamma >= 0:
            raise ValueError(f"bihalf_autoencoder: gamma is {gamma}, wanted 0 or more")

    def objective(self, decoder: nn.Module, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        return {"reconstruction": functional.mse_loss(decoder(bihalf(z, self.gamma)), x)}


def bihalf(z: Tensor, gamma: float) -> Tensor:
    """The layer: -1 and +1, [B, bits], of values z [B, bits]; see :class:`BiHalfAutoencoder`."""
    codes: Tensor = _BiHalf.apply(z, gamma)
    return codes


class _BiHalf(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, z: Tensor, gamma: float) -> Tensor:
        order = z.argsort(dim=0, descending=True, stable=True)
        halves = torch.ones_like(z)
        halves[(len(z) + 1) // 2 :] = -1  # the item in the middle of an odd batch is in the upper half
        codes = torch.empty_like(z).scatter_(0, order, halves)
        ctx.save_for_backward(z, codes)
        ctx.gamma = gamma  # type: ignore[attr-defined]
        return codes

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        z, codes = ctx.saved_tensors  # type: ignore[attr-defined]
        return gradient + ctx.gamma * (z - codes) / z.numel(), None  # type: ignore[attr-defined]
