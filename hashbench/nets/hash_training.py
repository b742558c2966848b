"""Training of an image hasher on the similarity of its images, with an adversarial objective on its codes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hashbench.method import RunContext
from hashbench.nets.adversarial import AdversarialObjective
from hashbench.nets.bit_statistics import BitStatistics
from hashbench.nets.checkpoints import Checkpoint
from hashbench.nets.hashers import ImageHasher
from hashbench.nets.losses import pair_loss
from hashbench.nets.neighbours import Similarity
from hashbench.nets.precision import autocast
from hashbench.nets.schedules import TrainingStep
from hashbench.nets.signs import Activation, relaxed_sign, sign
from hashbench.nets.training import RunningMeans, Values, epoch_batches, run_epochs
from hashbench.nets.training_batches import Batch, EpochBatches
from hashbench.nets.training_images import EncoderInputs, GeneratorTargets


@dataclass(frozen=True)
class TrainingConfig:
    """How a hasher is trained.

    Attributes:
        neighbourhood, quantisation: weights of :func:`pair_loss` and of mean (relaxed sign - sign)^2.
        divide_by_bits: see :func:`pair_loss`.
        activation, betas: form of the relaxed sign, and its steepness in equally long stages.
        head_warmup_epochs: epochs in which only the head is trained, on the encoder's features as they are.
        epochs, batch: passes over the images that train everything, images per step.
        rate: Adam's learning rate for new layers.
        pretrained_rate: for a pre-trained encoder, and a head after its warm-up.
        epsilon: Adam's.
        cosine_decay: whether learning rates fall to 0 along half a cosine.
        fixed_statistics: whether a pre-trained encoder's batch norms keep their statistics.
        batch_neighbours: similar images drawn into the batch with each of its images.
    """

    neighbourhood: float
    quantisation: float
    divide_by_bits: bool
    activation: Activation
    betas: Sequence[float]
    head_warmup_epochs: int
    epochs: int
    batch: int
    rate: float
    pretrained_rate: float
    epsilon: float
    cosine_decay: bool
    fixed_statistics: bool
    batch_neighbours: int


class HashTraining:
    """The networks of one training with their optimisers.

    Args:
        hasher: as initialised.
        inputs: of its encoder.
        config: how it is trained.
        run: device, generator, reports, checkpoints.
        similarity: of the training images, or None to train without one.
        adversarial: objective on the codes, or None.
        targets: images for ``adversarial``, of the same training set as ``inputs``; None without it.
    """

    def __init__(
        self,
        hasher: ImageHasher,
        inputs: EncoderInputs,
        config: TrainingConfig,
        run: RunContext,
        similarity: Similarity | None,
        adversarial: AdversarialObjective | None,
        targets: GeneratorTargets | None,
    ) -> None:
        self.hasher, self.inputs, self.config, self.run = hasher, inputs, config, run
        self.similarity, self.adversarial, self.targets = similarity, adversarial, targets
        self.warms_up = config.head_warmup_epochs > 0 and similarity is not None and hasher.encoder.pretrained
        self.statistics = BitStatistics(len(inputs), hasher.bits, run.device)
        self.optimisers = self._optimisers()
        self.rates = {name: [group["lr"] for group in own.param_groups] for name, own in self.optimisers.items()}

    def _adam(self, groups: Any) -> torch.optim.Adam:
        return torch.optim.Adam(groups, lr=self.config.rate, eps=self.config.epsilon, fused=True)

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """That of encoder, head and generator, and the discriminator's own."""
        config, encoder, adversarial = self.config, self.hasher.encoder, self.adversarial
        trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
        head_rate = config.pretrained_rate if self.warms_up else config.rate
        groups: list[dict[str, Any]] = [
            {"params": trained, "lr": config.pretrained_rate if encoder.pretrained else config.rate},
            {"params": list(self.hasher.head.parameters()), "lr": head_rate},
        ]
        if adversarial is None:
            return {"codes": self._adam(groups)}
        groups.append({"params": adversarial.generator_parameters()})
        if adversarial.discriminator is None:
            return {"codes": self._adam(groups)}
        adversarial.optimiser = self._adam(adversarial.discriminator.parameters())
        return {"codes": self._adam(groups), "discriminator": adversarial.optimiser}

    def train(self) -> None:
        """Warm up the head, then train everything; a checkpoint replaces what came before it."""
        nets: dict[str, Any] = {"hasher": self.hasher}
        if self.adversarial is not None:
            nets["adversarial"] = self.adversarial
        checkpoint = Checkpoint(self.run, {**nets, **self.optimisers})
        if self.warms_up and not checkpoint.exists():
            self._warm_up_head()
        for net in nets.values():
            net.train()
        if self.config.fixed_statistics and self.hasher.encoder.pretrained:
            self.hasher.encoder.fix_statistics()
        run_epochs(self.step, self._epoch, self.config.epochs, self.run, self._summary, checkpoint)

    def _warm_up_head(self) -> None:
        """Train the head on the features of the encoder as it is, on the similarity alone.

        Raises:
            FloatingPointError: the loss is not finite at the end of an epoch.
        """
        assert self.similarity is not None
        config, features, head = self.config, self.inputs.features(), self.hasher.head.train()
        optimiser, epochs = self._adam(head.parameters()), config.head_warmup_epochs
        last = 0.0
        for epoch in range(epochs):
            losses, batches = RunningMeans(), self._batches()
            for number, rows in enumerate(batches):
                training_step = TrainingStep(epoch, epochs, number, len(batches))
                self._set_rates(optimiser, [config.rate], training_step)
                view_ids = self.inputs.augmentation.draw(len(rows)) % len(features)
                z = head(features[view_ids, rows])
                codes = relaxed_sign(z, training_step.stage(config.betas), config.activation)
                pairs = pair_loss(codes, self.similarity.block(rows), config.divide_by_bits)
                losses.add({"neighbourhood": pairs})
                optimiser.zero_grad()
                torch.autograd.backward(pairs)
                optimiser.step()
            last = float(losses.means()["neighbourhood"])
            if not math.isfinite(last):
                raise FloatingPointError(
                    f"epoch {epoch + 1} of {epochs} of the head's warm-up: neighbourhood is {last}; "
                    "there is no checkpoint yet; a smaller rate may help"
                )
        self.run.log_fact(neighbourhood_after_warm_start=last)

    def _epoch(self) -> EpochBatches:
        """An epoch's batches, all drawn now: no step draws from the run's generator."""
        inputs, targets, rows = self.inputs, self.targets, self._batches()
        view_ids = [inputs.augmentation.draw(len(part)) for part in rows]
        images = inputs.images_to_read
        if images is None and targets is not None:
            images = targets.images_to_read
        return EpochBatches(rows, view_ids, inputs.maps_to_read, images, self.run.device)

    def _batches(self) -> Sequence[Tensor]:
        """An epoch's rows: a permutation in equal parts, or seeds with some of their neighbours."""
        config, run, n = self.config, self.run, len(self.inputs)
        if not config.batch_neighbours or self.similarity is None:
            return epoch_batches(n, config.batch, run.generator, run.device)
        together = config.batch_neighbours + 1
        seeds = torch.randperm(n, generator=run.generator)[: max(n // together, 1)].to(run.device)
        parts = seeds.tensor_split(-(-len(seeds) * together // config.batch))
        return [torch.cat([part, self._neighbours(part)]) for part in parts]

    def _neighbours(self, seeds: Tensor) -> Tensor:
        assert self.similarity is not None
        neighbours = self.similarity.neighbours_of(seeds, self.config.batch_neighbours, self.run.generator)
        return neighbours.flatten()

    def _set_rates(self, optimiser: torch.optim.Optimizer, rates: Sequence[float], training_step: TrainingStep) -> None:
        if self.config.cosine_decay:
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * training_step.cosine()

    def step(self, batch: Batch, training_step: TrainingStep) -> Values:
        """One simultaneous step of all networks on a batch of images."""
        config, beta, rows = self.config, training_step.stage(self.config.betas), batch.rows
        for name, optimiser in self.optimisers.items():
            self._set_rates(optimiser, self.rates[name], training_step)
        with autocast(self.inputs.dtype, self.run.device):
            features = self.hasher.encoder.trained_part(self.inputs(batch))
        codes = relaxed_sign(self.hasher.head(features), beta, config.activation)
        self.statistics.add(rows, codes)
        distance = (sign(codes) - codes).square().mean()
        values: dict[str, Tensor | float] = {"beta": beta, "quantisation": distance.detach()}
        objective = config.quantisation * distance if config.quantisation else codes.new_zeros(())
        if self.similarity is not None:
            pairs = pair_loss(codes, self.similarity.block(rows), config.divide_by_bits)
            objective, values["neighbourhood"] = objective + config.neighbourhood * pairs, pairs
        if self.adversarial is not None:
            assert self.targets is not None
            targets = self.targets(batch)
            loss, losses = self.adversarial.losses_and_discriminator_step(codes, features, targets)
            objective = objective + loss
            values.update(losses)
        self.optimisers["codes"].zero_grad()
        torch.autograd.backward(objective)
        self.optimisers["codes"].step()
        return values

    def _summary(self, means: dict[str, Tensor | float]) -> Values:
        """Values for an epoch's report: beta, the unweighted losses, mean (relaxed sign - sign)^2, bit statistics."""
        return {**means, **self.statistics.summary()}


def compile_nets(hasher: ImageHasher, adversarial: AdversarialObjective | None) -> None:
    """Have torch compile encoder and generator at their first use.

    The discriminator is not compiled: two gradients are taken of its maps, and a compiled net frees what the second
    one needs.
    """
    hasher.encoder.net.compile()
    if adversarial is not None:
        adversarial.generator.compile()
