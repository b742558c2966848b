"""Autoencoder whose bits are drawn at random, with the straight-through gradient."""

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from hashbench.method import RunContext, TrainingSet, Traits
from hashbench.nets.autoencoders import AutoencoderMethod
from hashbench.util.device import uploaded


class StochasticAutoencoder(AutoencoderMethod):
    """b = 1 with probability p = sigmoid(z), else -1: mean (x - decoder(b))^2, through the draw as if b were 2 p - 1.

    A bit that is undecided (z near 0) reaches the decoder as noise, so training drives z away from 0 without a penalty.
    Backward, the draw passes the gradient of its mean, d(2 p - 1)/dz = 2 p (1 - p) (Bengio, Leonard and Courville
    2013; the binary bottleneck of Shen et al., Auto-encoding twin-bottleneck hashing, CVPR 2020). A code is sgn(z), the
    more probable value of each bit.

    Args:
        bits, hidden, epochs, batch, rate: see the base class.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        zero_is_one=True,
        paper="stochastic bits with the straight-through gradient, Bengio, Leonard, Courville 2013; "
        "training of Li and van Gemert, AAAI 2021",
        presets={"quick": {"epochs": 20}},
    )

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self._generator = run.generator
        return super().fit(train, run)

    def objective(self, decoder: nn.Module, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        uniform = uploaded(torch.rand(z.shape, generator=self._generator), z.device)
        return {"reconstruction": functional.mse_loss(decoder(drawn_bits(z, uniform)), x)}


def drawn_bits(z: Tensor, uniform: Tensor) -> Tensor:
    """Forward +1 where ``uniform`` [B, bits], in [0, 1), is below sigmoid(z), else -1; backward 2 sigmoid(z) - 1."""
    mean = 2 * torch.sigmoid(z) - 1
    drawn = (2 * uniform - 1 < mean.detach()).to(z.dtype) * 2 - 1
    return drawn + (mean - mean.detach())
