"""An autoencoder of feature vectors with a binary layer, and the training that its two baselines share."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn

from hashbench.method import HashMethod, RunContext, TrainingSet
from hashbench.nets.schedules import TrainingStep
from hashbench.nets.signs import sign
from hashbench.nets.training import Values, epoch_batches, run_epochs, with_imbalance

LR_DROP_FRACTIONS = (0.6, 0.8)  # of the training, after each of which the learning rate is divided by 10


class Autoencoder(nn.Module):
    """Features to ``bits`` values z and, from codes, back to standardised features.

    Args:
        dimension: of the features.
        bits: of the codes.
        hidden: width of a layer with ReLU in either half; 0 for one linear map in either half.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, dimension: int, bits: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dimension))
        self.register_buffer("scale", torch.ones(()))
        self.encoder, self.decoder = _layers(dimension, hidden, bits), _layers(bits, hidden, dimension)

    def standardise_by(self, features: Tensor) -> Self:
        """Set mean and one overall scale, which keeps directions, to those of ``features`` [n, d].

        Raises:
            ValueError: a feature is NaN or infinite.
        """
        if not torch.isfinite(features).all():
            raise ValueError("autoencoder: features contain NaN or infinity")
        self.mean = features.mean(0)
        deviation = (features - self.mean).square().mean().sqrt()
        self.scale = torch.where(deviation > 0, deviation, 1.0)
        return self

    def standardise(self, features: Tensor) -> Tensor:
        """Features of mean 0 whose squares average 1 over training items and dimensions; constant ones become 0."""
        return (features - self.mean) / self.scale

    def forward(self, features: Tensor) -> Tensor:
        """z, float [n, bits], of features [n, d]."""
        z: Tensor = self.encoder(self.standardise(features))
        return z


def _layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    widths = (inputs, hidden, outputs) if hidden else (inputs, outputs)
    layers: list[nn.Module] = []
    for width, next_width in pairwise(widths):
        layers += [nn.Linear(width, next_width), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class AutoencoderMethod(HashMethod):
    """A method that trains an :class:`Autoencoder`; its subclasses define the objective.

    Training follows the public autoencoders of Li and van Gemert (Deep unsupervised image hashing by maximizing bit
    entropy, AAAI 2021, AutoEncoder/Sign.py): Adam at 1e-3 with weight decay 1e-5, batches of 128, 100 epochs, a tenth
    of the rate after 60 and again after 80 % of them. Their halves have a hidden layer of 256; here they are linear,
    which was better on digits when 200 of its training images were held out: a deep decoder can read codes whose
    Hamming distances mean little.

    Args:
        bits: code length.
        hidden: width of a layer with ReLU in either half; 0 for linear halves.
        epochs, batch, rate: passes over the training set, items per step, Adam's initial learning rate.

    Raises:
        ValueError: a parameter is out of its range.
    """

    def __init__(self, bits: int, hidden: int = 0, epochs: int = 100, batch: int = 128, rate: float = 1e-3) -> None:
        super().__init__(bits)
        self.hidden, self.epochs, self.batch, self.rate = hidden, epochs, batch, rate
        for name, least in (("hidden", 0), ("epochs", 1), ("batch", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"autoencoder: {name} is {getattr(self, name)}, wanted {least} or more")
        if rate <= 0:
            raise ValueError(f"autoencoder: rate is {rate}, wanted more than 0")

    @abstractmethod
    def objective(self, decoder: nn.Module, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """Losses by name, whose sum is minimised, of standardised features x [B, d] and z [B, bits]."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        """Standardise, then minimise :meth:`objective`; logs each loss and the bits' imbalance per epoch."""
        net = Autoencoder(train.features.shape[1], self.bits, self.hidden).to(run.device)
        x = net.standardise_by(train.features).standardise(train.features)
        optimiser = torch.optim.Adam(net.parameters(), lr=self.rate, weight_decay=1e-5)

        def step(rows: Tensor, training_step: TrainingStep) -> Values:
            drops = sum(training_step.epoch >= drop * self.epochs for drop in LR_DROP_FRACTIONS)
            optimiser.param_groups[0]["lr"] = self.rate * 0.1**drops
            z = net.encoder(x[rows])
            losses = self.objective(net.decoder, x[rows], z)
            optimiser.zero_grad()
            torch.autograd.backward(list(losses.values()))
            optimiser.step()
            return {**losses, "code": sign(z).mean(0)}

        batches = partial(epoch_batches, len(x), self.batch, run.generator, run.device)
        run_epochs(step, batches, self.epochs, run, with_imbalance)
        self.net_ = net.eval()
        return self

    def encode(self, batch: Tensor) -> Tensor:
        """Bool [n, bits]: z >= 0."""
        return self.project(batch) >= 0

    def project(self, batch: Tensor) -> Tensor:
        """z, float32 [n, bits]."""
        with torch.no_grad():
            z: Tensor = self.net_(batch)
        return z

    def state(self) -> dict[str, Tensor]:
        """The whole network; ``encode`` needs all but the decoder."""
        return dict(self.net_.state_dict())

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:  # noqa: ARG002
        """Restore :meth:`state`."""
        net = Autoencoder(len(state["mean"]), self.bits, self.hidden).to(state["mean"].device)
        net.load_state_dict(dict(state))
        self.net_ = net.eval()
