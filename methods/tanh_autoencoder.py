"""Autoencoder with the sign relaxed by tanh and a quantisation penalty."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hashbench.method import Traits
from hashbench.nets.autoencoders import AutoencoderMethod
from hashbench.nets.signs import sign


class TanhAutoencoder(AutoencoderMethod):
    """sgn(z), trained as h = tanh(z): mean (x - decoder(h))^2 + penalty * mean (h - sgn h)^2.

    The relaxation most of deep hashing uses, on the trial's features. The decoder sees h while it trains, and nothing
    but the penalty pulls h to the code that replaces it. Its weight 1 restored held-out training digits from sgn z best
    among .2, 1, 3 and 10.

    Args:
        bits, hidden, epochs, batch, rate: see the base class.
        penalty: weight of the quantisation penalty, 0 or more.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        zero_is_one=True,
        paper="sgn relaxed by tanh with a quantisation penalty; training of Li and van Gemert, AAAI 2021",
        presets={"quick": {"epochs": 20}},
    )

    def __init__(
        self,
        bits: int,
        hidden: int = 0,
        penalty: float = 1.0,
        epochs: int = 100,
        batch: int = 128,
        rate: float = 1e-3,
    ) -> None:
        super().__init__(bits, hidden, epochs, batch, rate)
        self.penalty = penalty
        if penalty < 0:
            raise ValueError(f"tanh_autoencoder: penalty is {penalty}, wanted 0 or more")

    def objective(self, decoder: nn.Module, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        h = torch.tanh(z)
        return {
            "reconstruction": functional.mse_loss(decoder(h), x),
            "quantisation": self.penalty * (h - sign(h)).square().mean(),
        }
