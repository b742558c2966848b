"""Autoencoder with the straight-through sign."""

from torch import Tensor, nn
from torch.nn import functional

from hashbench.method import Traits
from hashbench.nets.autoencoders import AutoencoderMethod
from hashbench.nets.signs import sign_through


class StraightThroughAutoencoder(AutoencoderMethod):
    """b = sgn(z) forward, the identity backward: mean (x - decoder(b))^2.

    The decoder sees the code itself; the gradient passes the sign as if it were not there (Bengio, Leonard and
    Courville 2013). It is Sign.py of the public autoencoders without its extra pull of z towards sgn z, which that
    code weights with .2 / (B L) and which is next to nothing.
    """

    traits = Traits(
        zero_is_one=True,
        paper="straight-through sign, Bengio, Leonard, Courville 2013; training of Li and van Gemert, AAAI 2021",
        presets={"quick": {"epochs": 20}},
    )

    def objective(self, decoder: nn.Module, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        return {"reconstruction": functional.mse_loss(decoder(sign_through(z)), x)}
