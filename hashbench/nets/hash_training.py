"""Training of an image hasher on a similarity of its images and a game around its codes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hashbench.method import RunContext
from hashbench.nets.adversarial import Game
from hashbench.nets.bit_statistics import BitStatistics
from hashbench.nets.checkpoints import Checkpoint
from hashbench.nets.hashers import Feed, ImageHasher, Pictures
from hashbench.nets.losses import pair_loss
from hashbench.nets.neighbours import Similarity
from hashbench.nets.precision import autocast
from hashbench.nets.schedules import Moment
from hashbench.nets.signs import Activation, app, sign
from hashbench.nets.training import RunningMeans, Values, epoch_batches, run_epochs


@dataclass(frozen=True)
class Recipe:
    """How a hasher is trained.

    Attributes:
        neighbourhood, quantisation: weights of :func:`pair_loss` and of mean (app(beta z) - sgn z)^2.
        scaled: see :func:`pair_loss`.
        activation, betas: form of app, and its steepness in equally long stages.
        warm: epochs in which only the head is trained, on the encoder's features as they are.
        epochs, batch: passes over the images that train everything, images per step.
        rate: Adam's, for new layers.
        learnt_rate: for those that were learnt before: a pre-trained encoder, a head that had its warm start.
        epsilon: Adam's.
        decay: whether rates fall to 0 along half a cosine.
        neighbours: of each batch image, that many of its similar ones are in the batch as well.
    """

    neighbourhood: float
    quantisation: float
    scaled: bool
    activation: Activation
    betas: Sequence[float]
    warm: int
    epochs: int
    batch: int
    rate: float
    learnt_rate: float
    epsilon: float
    decay: bool
    neighbours: int


class HashTraining:
    """The nets of one training with their optimisers.

    Args:
        hasher: in the state in which training begins.
        feed: what its encoder reads of the training images.
        recipe: how it is trained.
        run: device, generator, reports, checkpoints.
        similarity: of the training images, or None for none.
        game: around the codes, or None.
        pictures: what the game is about; not asked for without a game.
    """

    def __init__(
        self,
        hasher: ImageHasher,
        feed: Feed,
        recipe: Recipe,
        run: RunContext,
        similarity: Similarity | None,
        game: Game | None,
        pictures: Pictures,
    ) -> None:
        self.hasher, self.feed, self.recipe, self.run = hasher, feed, recipe, run
        self.similarity, self.game, self.pictures = similarity, game, pictures
        self.warms = recipe.warm > 0 and similarity is not None and hasher.encoder.pretrained
        self.statistics = BitStatistics(len(feed), hasher.bits, run.device)
        self.optimisers = self._optimisers()
        self.rates = {name: [g["lr"] for g in found.param_groups] for name, found in self.optimisers.items()}

    def _adam(self, groups: Any) -> torch.optim.Adam:
        return torch.optim.Adam(groups, lr=self.recipe.rate, eps=self.recipe.epsilon, fused=True)

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """That of encoder, head and generator, and the discriminator's own."""
        recipe, encoder = self.recipe, self.hasher.encoder
        learnt = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": learnt, "lr": recipe.learnt_rate if encoder.pretrained else recipe.rate},
            {"params": list(self.hasher.head.parameters()), "lr": recipe.learnt_rate if self.warms else recipe.rate},
        ]
        found: dict[str, torch.optim.Optimizer] = {}
        if self.game:
            groups.append({"params": self.game.made_by()})
            if self.game.discriminator:
                self.game.optimiser = found["discriminator"] = self._adam(self.game.discriminator.parameters())
        return {"codes": self._adam(groups), **found}

    def train(self) -> None:
        """Warm start of the head, then everything together; a checkpoint takes the place of what came before it."""
        nets: dict[str, Any] = {"hasher": self.hasher, **({"game": self.game} if self.game else {})}
        checkpoint = Checkpoint(self.run, {**nets, **self.optimisers})
        if self.warms and not checkpoint.exists():
            self._warm_start()
        for net in nets.values():
            net.train()
        run_epochs(self.step, self._batches, self.recipe.epochs, self.run, self._summary, checkpoint)

    def _warm_start(self) -> None:
        """Train the head on the features of the encoder as it is, on the similarity alone.

        Raises:
            FloatingPointError: the loss is not finite at the end of an epoch.
        """
        assert self.similarity is not None
        recipe, features, head = self.recipe, self.feed.features(), self.hasher.head.train()
        views = self.feed.views
        optimiser = self._adam(head.parameters())
        last = 0.0
        for epoch in range(recipe.warm):
            losses, parts = RunningMeans(), self._batches()
            for number, rows in enumerate(parts):
                moment = Moment(epoch, recipe.warm, number, len(parts))
                self._set_rates(optimiser, [recipe.rate], moment)
                versions = views.draw(len(rows)) % len(features)
                codes = app(head(features[versions, rows]), moment.stage(recipe.betas), recipe.activation)
                pairs = pair_loss(codes, self.similarity.block(rows), recipe.scaled)
                losses.add({"neighbourhood": pairs})
                optimiser.zero_grad()
                torch.autograd.backward(pairs)
                optimiser.step()
            last = float(losses.means()["neighbourhood"])
            if not math.isfinite(last):
                raise FloatingPointError(
                    f"epoch {epoch + 1} of {recipe.warm} of the warm start: neighbourhood is {last}; "
                    "there is no checkpoint yet; a smaller rate may help"
                )
        self.run.log_fact(neighbourhood_after_warm_start=last)

    def _batches(self) -> Sequence[Tensor]:
        """An epoch's rows: a permutation in equal parts, or seeds with some of their neighbours."""
        recipe, run, n = self.recipe, self.run, len(self.feed)
        if not recipe.neighbours or self.similarity is None:
            return epoch_batches(n, recipe.batch, run.generator, run.device)
        together = recipe.neighbours + 1
        seeds = torch.randperm(n, generator=run.generator)[: max(n // together, 1)].to(run.device)
        parts = seeds.tensor_split(-(-len(seeds) * together // recipe.batch))
        return [torch.cat([part, self._near(part)]) for part in parts]

    def _near(self, seeds: Tensor) -> Tensor:
        assert self.similarity is not None
        near: Tensor = self.similarity.neighbours_of(seeds, self.recipe.neighbours, self.run.generator)
        return near.flatten()

    def _set_rates(self, optimiser: torch.optim.Optimizer, rates: Sequence[float], moment: Moment) -> None:
        if self.recipe.decay:
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * moment.cosine()

    def step(self, rows: Tensor, moment: Moment) -> Values:
        """One simultaneous step of all nets on the images ``rows``."""
        recipe, beta = self.recipe, moment.stage(self.recipe.betas)
        for name, optimiser in self.optimisers.items():
            self._set_rates(optimiser, self.rates[name], moment)
        versions = self.feed.views.draw(len(rows))
        with autocast(self.feed.dtype, self.run.device):
            features = self.hasher.encoder.net(self.feed(rows, versions))
        codes = app(self.hasher.head(features), beta, recipe.activation)
        self.statistics.add(rows, codes)
        distance = (sign(codes) - codes).square().mean()
        values: dict[str, Tensor | float] = {"beta": beta, "quantisation": distance.detach()}
        objective = recipe.quantisation * distance if recipe.quantisation else codes.new_zeros(())
        if self.similarity is not None:
            pairs = pair_loss(codes, self.similarity.block(rows), recipe.scaled)
            objective, values["neighbourhood"] = objective + recipe.neighbourhood * pairs, pairs
        if self.game is not None:
            share, losses = self.game.play(codes, features, self.pictures(rows, versions))
            objective = objective + share
            values.update(losses)
        self.optimisers["codes"].zero_grad()
        torch.autograd.backward(objective)
        self.optimisers["codes"].step()
        return values

    def _summary(self, means: dict[str, Tensor | float]) -> Values:
        """What an epoch reports: beta, the bare losses, the codes' distance from app and their bits' statistics."""
        return {**means, **self.statistics.summary()}


def compile_nets(hasher: ImageHasher, game: Game | None) -> None:
    """Have torch compile encoder and generator at their first use; nothing else about them changes.

    The discriminator stays as it is: two gradients are taken of its maps, and a compiled net frees what the second
    one needs.
    """
    hasher.encoder.net.compile()
    if game:
        game.generator.compile()
