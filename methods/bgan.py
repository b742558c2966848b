"""BGAN: binary generative adversarial networks for image retrieval."""

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from hashbench.errors import Incompatible, UsageError
from hashbench.features.backbones import is_backbone
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits, no_backbone
from hashbench.nets.decoders import Generator
from hashbench.nets.discriminators import Discriminator
from hashbench.nets.encoders import SMALL, ImageEncoder, build_encoder, input_size
from hashbench.nets.losses import log_fake, log_real, map_loss, pair_loss
from hashbench.nets.neighbours import Similarity, neighbourhood_structure
from hashbench.nets.signs import Activation, app, sign_through
from hashbench.nets.training import Values, run_epochs, stage, with_imbalance

AUTO = "auto"
PICTURE_SIZE = 32
HEAD_DEVIATION = 0.001


class BGAN(HashMethod):
    """Codes that keep the neighbourhoods of the trial's features and from which a generator restores the pictures.

    An encoder of its own reads the images; b = sgn(z) of its hash layer's z. While it trains, app(beta z) stands for
    the sign and beta is raised in stages. Over a batch of B the encoder and the generator minimise

        mean_ij ((1/L) b_i . b_j - s_ij)^2 + (2/B) mean_i (pixel l_MSE + perceptual l_Per + adversarial log(1 - D(I^R)))

    and the discriminator maximises mean_i (log D(I) + log(1 - D(I^R))). S comes from the features, never from labels.

    What the paper prints, what its authors' code adds where the paper is silent, and what was chosen:

    | | paper | here | why |
    |---|---|---|---|
    | l_N | 1/2 sum_ij | mean_ij: l divided by B^2 / 2 | the same pull at any B |
    | lambda1, lambda2 | .1 in the code | .1 times 2/B | l divided by B^2 / 2; .1 beside a mean would rule the codes |
    | l_MSE, l_Per | mean over positions | the same, summed over channels | squared length of a pixel's difference |
    | b in l_N | app(beta z) | the same, diagonal of S included | |
    | code into G | binary | sgn(z), with the gradient of app(beta z) | G sees codes, z learns from G |
    | fakes of D | I^R = G(b) | the same | |
    | phi | last convolution of D | its output before batch norm; phi(I) is a constant | keeps mean and scale |
    | beta | raised in stages | 1, 2, 4, 8 in four equal stages | begins in the linear part of app |
    | S | K1 = 20, K2 = 30 | the same, by cosine, ties to the lower index | |
    | hash layer | linear, N(0, .001) in the code | deviation .001, features batch-normed before it | below |
    | optimiser | Adam, 1e-3, epsilon 1.0 in the code | epsilon 1e-8, 1e-4 for layers learnt before | below |
    | batch, epochs | 40, 51 in the code | 100, 12 | a laptop |
    | G, D | 64 px, 32 to 256 channels in the code | 32 px, 8 to 64 channels | fewer products than the small encoder |

    Rectified features have a large common part, and S is mostly -1: with a bare linear layer every z is first driven
    to the saddle at 0 and stays there (l_N stuck at 1). Batch norm without parameters takes the common part away; when
    encoding it is a fixed affine map, so the layer is still linear. With 1/L, epsilon 1.0 would hardly move anything.
    ``adversarial=0`` takes l_A from the encoder and the generator only: D still learns while l_Per needs its phi.

    Args:
        bits: code length L.
        encoder: "small" (five blocks on 32 px), the name of a backbone, or "auto": the network of the trial's
            features, small where these are pixels or gist. It reads the whole picture squeezed to a square, the
            features' network its own crop.
        neighbourhood, pixel, perceptual, adversarial: weights of l_N, l_MSE, l_Per and l_A in the paper's form, 0 or
            more; 0 takes the part out of the objective.
        k1, k2: neighbours of an image, and images whose neighbours are joined, in S.
        expansion: False for plain ``k1`` nearest neighbours in S.
        activation: form of app.
        betas: its steepness, one value for each of equally long stages.
        epochs, batch, rate, pretrained_rate: passes over the images, images per step, Adam's rate for new layers and
            for those of a pre-trained encoder.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        input="images",
        wants_features=True,
        paper="Song et al., Binary generative adversarial networks for image retrieval, AAAI 2018",
        presets={"quick": {"epochs": 4}},
    )

    def __init__(
        self,
        bits: int,
        encoder: str = AUTO,
        neighbourhood: float = 1.0,
        pixel: float = 0.1,
        perceptual: float = 0.1,
        adversarial: float = 0.1,
        k1: int = 20,
        k2: int = 30,
        expansion: bool = True,
        activation: Activation = "piecewise",
        betas: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0),
        epochs: int = 12,
        batch: int = 100,
        rate: float = 1e-3,
        pretrained_rate: float = 1e-4,
    ) -> None:
        super().__init__(bits)
        self.encoder, self.activation, self.expansion = encoder, activation, expansion
        self.neighbourhood, self.adversarial = neighbourhood, adversarial
        self.pixel, self.perceptual = pixel, perceptual
        self.k1, self.k2, self.betas = k1, k2, betas
        self.epochs, self.batch, self.rate, self.pretrained_rate = epochs, batch, rate, pretrained_rate
        for name in ("neighbourhood", "pixel", "perceptual", "adversarial"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        for name, least in (("k1", 1), ("k2", 1), ("epochs", 1), ("batch", 3)):  # 3: no part of an epoch is one image
            _require(getattr(self, name) >= least, name, getattr(self, name), f"{least} or more")
        for name in ("rate", "pretrained_rate"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "more than 0")
        _require(len(betas) > 0 and min(betas) > 0, "betas", betas, "one or more values above 0")
        if encoder != AUTO:
            _check_encoder(encoder)
        weights = neighbourhood + pixel + perceptual + adversarial
        _require(weights > 0, "neighbourhood", neighbourhood, "at least one part of the objective switched on")

    @classmethod
    def resolve(cls, parameters: dict[str, Any], features: str) -> dict[str, Any]:
        if parameters["encoder"] != AUTO:
            return parameters
        return {**parameters, "encoder": features if is_backbone(features) else SMALL}

    def _encoder(self, features: str) -> str:
        name: str = self.resolve({"encoder": self.encoder}, features)["encoder"]
        return name

    def backbones(self, features: str) -> tuple[str, ...]:
        name = self._encoder(features)
        return () if name == SMALL else (name,)

    def image_size(self, features: str) -> int:
        return input_size(self._encoder(features))

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        name = self._encoder(run.features)
        similarity = self._similarity(train) if self.neighbourhood else None
        hashing = _Hashing(build_encoder(name, run.backbone), self.bits)
        trainer = _Trainer(self, hashing, train, similarity, run)
        run_epochs(trainer.step, len(train), self.batch, self.epochs, run, trainer.summary)
        self.hashing_ = hashing.eval()
        return self

    def _similarity(self, train: TrainingSet) -> Similarity:
        if self.k1 >= len(train):
            raise Incompatible(
                f"bgan: k1 is {self.k1} and there are {len(train)} training images; wanted fewer neighbours than "
                "images: lower k1 or train on more"
            )
        return neighbourhood_structure(train.features, self.k1, self.k2, self.expansion)

    def encode(self, batch: Tensor) -> Tensor:
        with torch.no_grad():
            z: Tensor = self.hashing_(batch)
        return z >= 0

    def state(self) -> dict[str, Tensor]:
        """Encoder (a backbone's whole state dict) and hash layer; what only training needs is left out."""
        return dict(self.hashing_.state_dict())

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:
        """Take over :meth:`state`; an encoder "auto" is the one that the run's features mean, small without a run.

        Raises:
            LookupError: the run, or none, has no network of the encoder's name to put the weights into.
        """
        name = self._encoder(run.features if run else "pixels")
        hashing = _Hashing(build_encoder(name, run.backbone if run else no_backbone), self.bits)
        hashing.load_state_dict(dict(state))
        self.hashing_ = hashing.to(state["head.weight"].device).eval()


def _check_encoder(name: str) -> None:
    try:
        input_size(name)
    except UsageError as error:
        raise ValueError(f"bgan: encoder is {name!r}, wanted {AUTO}, {SMALL} or a network: {error}") from error


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ValueError(f"bgan: {name} is {value}, wanted {wanted}")


class _Hashing(nn.Module):
    """Encoder and hash layer: uint8 images [n, 3, size, size] to z [n, bits]."""

    def __init__(self, encoder: ImageEncoder, bits: int) -> None:
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(encoder.dimension, bits)
        self.centre = nn.BatchNorm1d(encoder.dimension, affine=False)
        nn.init.normal_(self.head.weight, std=HEAD_DEVIATION)
        nn.init.normal_(self.head.bias, std=HEAD_DEVIATION)

    def forward(self, images: Tensor) -> Tensor:
        z: Tensor = self.head(self.centre(self.encoder(images)))
        return z


class _Trainer:
    """The nets and their optimisers in training; which nets there are follows from the weights above 0."""

    def __init__(
        self, method: BGAN, hashing: _Hashing, train: TrainingSet, similarity: Similarity | None, run: RunContext
    ) -> None:
        self.method, self.train, self.similarity, self.run = method, train, similarity, run
        restores, judges = method.pixel + method.perceptual + method.adversarial, method.perceptual + method.adversarial
        self.hashing = hashing.to(run.device).train()
        self.generator = Generator(method.bits, PICTURE_SIZE).to(run.device).train() if restores else None
        self.discriminator = Discriminator(PICTURE_SIZE).to(run.device).train() if judges else None
        encoder_rate = method.pretrained_rate if hashing.encoder.pretrained else method.rate
        fresh = [*hashing.head.parameters(), *(self.generator.parameters() if self.generator else ())]
        groups: list[dict[str, Any]] = [
            {"params": list(hashing.encoder.parameters()), "lr": encoder_rate},
            {"params": fresh},
        ]
        self.optimiser = torch.optim.Adam(groups, lr=method.rate)
        if self.discriminator:
            self.judge_optimiser = torch.optim.Adam(self.discriminator.parameters(), lr=method.rate)

    def step(self, rows: Tensor, epoch: int) -> Values:
        """One simultaneous step of all nets on the images ``rows``."""
        images, beta = self.train.images[rows], self._beta(epoch)
        with self._autocast():
            z = self.hashing(images)
        codes = app(z.float(), beta, self.method.activation)
        binary = sign_through(codes)
        values: dict[str, Tensor | float] = {
            "beta": beta,
            "code": binary.mean(0),
            "quantisation": (binary - codes).detach().square().mean(),
        }
        objective = codes.new_zeros(())
        if self.similarity is not None:
            pairs = pair_loss(codes, self.similarity.block(rows))
            objective, values["neighbourhood"] = self.method.neighbourhood * pairs, pairs
        if self.generator is not None:
            with self._autocast():
                restored = self.generator(binary).float()
            pull, losses = self._judge(_pictures(images), restored.detach().requires_grad_())
            objective = objective + (restored * pull).sum()  # its gradient in ``restored`` is ``pull``
            values |= losses
        self.optimiser.zero_grad()
        torch.autograd.backward(objective)
        self.optimiser.step()
        return values

    def _judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Gradient in ``fake`` of (2/B) mean_i (content and adversarial loss); one step of the discriminator.

        Both objectives share each forward pass of the discriminator.
        """
        method = self.method
        losses = {"pixel": map_loss(fake, real)}
        loss = method.pixel * losses["pixel"]
        if self.discriminator is not None:
            with self._autocast():
                (real_logits, real_phi), (fake_logits, fake_phi) = self.discriminator(real), self.discriminator(fake)
            losses["perceptual"] = map_loss(fake_phi.float(), real_phi.float().detach())
            losses["real"], losses["fake"] = log_real(real_logits.float()), log_fake(fake_logits.float())
            loss = loss + method.perceptual * losses["perceptual"] + method.adversarial * losses["fake"]
            self.judge_optimiser.zero_grad()
            game = losses["real"] + losses["fake"]
            judge = list(self.discriminator.parameters())
            torch.autograd.backward(-game, inputs=judge, retain_graph=True)
        (pull,) = torch.autograd.grad(loss * (2 / len(real)), fake)
        if self.discriminator is not None:
            self.judge_optimiser.step()
        return pull, losses

    def summary(self, means: dict[str, Tensor | float]) -> Values:
        """What an epoch reports: beta, +1 per row of S, the bare losses, the codes' imbalance and distance from app."""
        structure = {} if self.similarity is None else {"neighbours": self.similarity.per_row}
        return {**with_imbalance(means), **structure}

    def _beta(self, epoch: int) -> float:
        return stage(self.method.betas, epoch, self.method.epochs)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.run.device.type, self.run.dtype, enabled=self.run.dtype != torch.float32)


def _pictures(images: Tensor) -> Tensor:
    """Float [n, 3, 32, 32] in [0, 1]: what the generator is to restore."""
    if images.shape[-1] == PICTURE_SIZE:
        return images.float() / 255
    return functional.interpolate(images.float() / 255, (PICTURE_SIZE,) * 2, mode="bilinear", antialias=True)
