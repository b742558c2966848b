"""What networks are made of, one by one, with weights by formula: activations, signs, losses, views, statistics."""

from functools import partial

import torch
from torch import Tensor, nn

from hashbench.nets.activations import ELU
from hashbench.nets.adversarial import build_discriminator, build_generator
from hashbench.nets.augmentation import Augmentation
from hashbench.nets.autoencoders import Autoencoder
from hashbench.nets.bit_statistics import BitStatistics
from hashbench.nets.encoders import ImageEncoder, small_backbone
from hashbench.nets.hashers import HashHead
from hashbench.nets.losses import log_fake, log_real, map_loss, pair_loss
from hashbench.nets.signs import relaxed_sign, sign, sign_through
from hashbench.nets.training import epoch_batches
from tests.golden.formula import numbers, set_formula
from tests.golden.golden import add
from tests.golden.inputs import stored
from tests.golden.values import Exact, Floats, Losses, Result, array_of

CLOSE = 5e-5


def with_slope(function: nn.Module, x: Tensor) -> dict[str, Result]:
    """A function's values and its gradient."""
    x = x.clone().requires_grad_()
    y = function(x)
    y.backward(numbers(y.shape, 50))
    assert x.grad is not None
    return {"values": Floats(array_of(y), CLOSE), "gradient": Floats(array_of(x.grad), CLOSE)}


class Through(nn.Module):
    """One of the stand-ins for the sign."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "through":
            return sign_through(x)
        return relaxed_sign(x, 1.7, "tanh" if self.kind == "tanh" else "piecewise")


def losses() -> dict[str, Result]:
    """Each loss of stored numbers."""
    z, s = numbers((20, 12)), torch.where(numbers((20, 20), 300) > 0, 1.0, -1.0)
    maps, targets = numbers((4, 3, 5, 6), 7), numbers((4, 3, 5, 6), 900)
    found = {
        "pairs": pair_loss(z, s),
        "products": pair_loss(z, s, divide_by_bits=False),
        "maps": map_loss(maps, targets),
        "real": log_real(z.flatten()),
        "fake": log_fake(z.flatten()),
    }
    return {name: Losses(array_of(loss.reshape(1)), CLOSE) for name, loss in found.items()}


def generator(size: int) -> dict[str, Result]:
    """Images of given codes in training mode."""
    net = build_generator(16, size)
    set_formula(net)
    return {"images": Floats(array_of(net(sign(numbers((3, 16))))[:, :, ::5, ::5]), CLOSE)}


def discriminator(size: int) -> dict[str, Result]:
    """Its three outputs in training mode."""
    net = build_discriminator(size)
    set_formula(net)
    logits, phi, hidden = net((numbers((3, 3, size, size)) + 1) / 2)
    return {
        "logits": Floats(array_of(logits), CLOSE),
        "phi": Floats(array_of(phi[:, ::9]), CLOSE),
        "hidden": Floats(array_of(hidden[:, ::4]), CLOSE),
    }


def encoder() -> dict[str, Result]:
    """The small encoder, and the heads on it, in training mode and in eval mode."""
    net = ImageEncoder(small_backbone(), pretrained=False)
    set_formula(net.net)
    images = stored("images")
    found: dict[str, Result] = {"normalised": Floats(array_of(net.normalise(images)[::8, :, ::4, ::4]), 1e-6)}
    for head_name, head in {
        "linear": HashHead(256, 8),
        "two": HashHead(256, 8, 6),
        "bare": HashHead(256, 8, 0, False),
    }.items():
        set_formula(head)
        for mode in (True, False):
            z = head.train(mode)(net.train(mode)(images))
            found[f"{head_name}, {'training' if mode else 'eval'}"] = Floats(array_of(z), 1e-4)
    return found


def autoencoder() -> dict[str, Result]:
    """z and reconstruction of standardised features."""
    features = stored("features")
    net = Autoencoder(24, 6, 10).standardise_by(features)
    net.encoder.load_state_dict({name: numbers(value.shape, 3) for name, value in net.encoder.state_dict().items()})
    net.decoder.load_state_dict({name: numbers(value.shape, 5) for name, value in net.decoder.state_dict().items()})
    z = net(features)
    return {"z": Floats(array_of(z[::6]), CLOSE), "reconstruction": Floats(array_of(net.decoder(z)[::6]), CLOSE)}


def views() -> dict[str, Result]:
    """Two views of stored images, and the draws of a batch."""
    images, rows = stored("images")[:6], torch.arange(6)
    augmentation = Augmentation.drawn(6, 3, True, 0.25, torch.Generator().manual_seed(4), torch.device("cpu"))
    found: dict[str, Result] = {
        f"view {view}": Exact(array_of(augmentation(images, rows, torch.full_like(rows, view))[:, 0, ::4, ::4]))
        for view in range(3)
    }
    return found | {"drawn": Exact(array_of(augmentation.draw(20)))}


def statistics() -> dict[str, Result]:
    """Balance, correlation and variety of given codes."""
    collected = BitStatistics(60, 5, torch.device("cpu"))
    collected.add(torch.arange(40), numbers((40, 5)))
    return {name: Losses(array_of(value.reshape(1)), CLOSE) for name, value in collected.summary().items()}


def batches() -> dict[str, Result]:
    """The batches of two epochs."""
    drawn = torch.Generator().manual_seed(8)
    epochs = [
        torch.cat([torch.cat([part, torch.tensor([-1])]) for part in epoch_batches(23, 5, drawn, torch.device("cpu"))])
        for _ in range(2)
    ]
    return {f"epoch {epoch}": Exact(array_of(rows)) for epoch, rows in enumerate(epochs)}


STRAIGHT = torch.arange(-40, 41) / 20
add("pieces/elu", partial(with_slope, ELU(), STRAIGHT), "nets")
for kind in ("through", "tanh", "piecewise"):
    add(f"pieces/sign-{kind}", partial(with_slope, Through(kind), STRAIGHT), "nets")
for side in (32, 64):
    add(f"pieces/generator-{side}", partial(generator, side), "nets")
    add(f"pieces/discriminator-{side}", partial(discriminator, side), "nets")
for name, compute in {
    "losses": losses,
    "encoder": encoder,
    "autoencoder": autoencoder,
    "views": views,
    "statistics": statistics,
    "batches": batches,
}.items():
    add(f"pieces/{name}", compute, "nets")
