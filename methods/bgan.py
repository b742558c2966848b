"""BGAN: binary generative adversarial networks for image retrieval."""

from collections.abc import Mapping
from math import inf
from typing import Any, Literal, Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible, UsageError
from hashbench.features.backbones import is_backbone
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits, no_backbone
from hashbench.nets.adversarial import Game, PaperGame, ReleasedGame, Stakes, build_discriminator, build_generator
from hashbench.nets.augmentation import Views
from hashbench.nets.encoders import SMALL, ImageEncoder, build_encoder, input_size
from hashbench.nets.frozen_layers import Trunk
from hashbench.nets.hash_training import HashTraining, Recipe, compile_nets
from hashbench.nets.hashers import Feed, ImageHasher, Pictures
from hashbench.nets.neighbours import Similarity, neighbourhood_structure
from hashbench.nets.precision import Precision, computing_dtype
from hashbench.nets.signs import Activation

AUTO = "auto"
# Weights of the objective; the authors' code has its own, in its own reduction.
WEIGHTS: dict[str, dict[str, float]] = {
    "paper": {"neighbourhood": 1.0, "pixel": 0.1, "perceptual": 0.1, "adversarial": 0.1},
    "released": {"neighbourhood": 10.0, "pixel": 0.0, "perceptual": 1.0, "adversarial": 1.0},
}
# Defaults that depend on the variant.
BY_VARIANT: dict[str, dict[str, Any]] = {
    "paper": {
        **WEIGHTS["paper"],
        "scaled": True,
        "activation": "piecewise",
        "betas": (1.0, 2.0, 4.0, 8.0),
        "warm": 60,
        "batch": 100,
        "pretrained_rate": 5e-5,
        "decay": True,
    },
    "released": {
        **WEIGHTS["released"],
        "scaled": False,
        "activation": "tanh",
        "betas": (1.0,),
        "warm": 0,
        "batch": 40,
        "pretrained_rate": 1e-3,
        "decay": False,
        "hidden": 0,
        "views": 1,
    },
}
# Those that depend on the encoder where the variant leaves them open, by whether it is pre-trained.
BY_ENCODER: dict[bool, dict[str, int]] = {
    True: {"hidden": 512, "epochs": 4, "views": 4},
    False: {"hidden": 0, "epochs": 12, "views": 1},
}
RELEASED_QUANTISATION = 10.0
RELEASED_EPSILON = 1.0


class BGAN(HashMethod):
    """Codes that keep the neighbourhoods of the trial's features and from which a generator restores the pictures.

    An encoder of its own reads the images; b = sgn(z) of its hash head's z. While it trains, app(beta z) stands for
    the sign and beta is raised in stages. Over a batch of B the encoder and the generator minimise

        mean_ij ((1/L) b_i . b_j - s_ij)^2 + (2/B) mean_i (pixel l_MSE + perceptual l_Per + adversarial log(1 - D(I^R)))

    and the discriminator maximises mean_i (log D(I) + log(1 - D(I^R))). That is the paper's l, which sums over the
    batch, divided by B^2 / 2, so the weights are the paper's: neighbourhood 1, pixel and perceptual lambda1,
    adversarial lambda2. S comes from the features, never from labels; the record says how it stands to them.

    What differs between the paper, the authors' code (``variant="released"``) and the default here:

    | | paper | released code | here | why |
    |---|---|---|---|---|
    | l_N | 1/2 sum_ij, products times 1/L | mean_ij, no 1/L, weight 10 | mean_ij, 1/L | the same pull at any B |
    | quantisation | none | mean (b - sgn z)^2, weight 10 (chosen) | none | the paper |
    | l_MSE | mean over positions | in no gradient | the same, summed over channels | length of a difference |
    | l_Per | mean over positions | mean over the batch | the same, summed over channels | as l_MSE |
    | lambda1, lambda2 | .1 (from the code) | 1 beside 10 | .1 times 2/B | l divided by B^2 / 2 |
    | phi | last convolution of D | hidden layer, 1024 | its output before batch norm | keeps mean and scale |
    | code into G | binary | b + sigma e, sigma learnt | sgn(z), gradient of app | G sees codes |
    | fakes of D | I^R = G(b) | G(noise) | I^R | the paper |
    | G minimises | l | phi loss - log D(G(noise)) | l | the paper |
    | b in l_N | app(beta z) | tanh(z) | app(beta z), diagonal of S included | the paper |
    | beta | raised in stages | constant | 1, 2, 4, 8 in equal stages | begins in app's linear part |
    | S | K1 = 20, K2 = 30 | the same | the same, by cosine, ties to the lower index | |
    | hash head | linear, N(0, .001) | the same | the same or two layers, features centred first | below |
    | start | ImageNet weights | the same | then the head alone on frozen features | seconds, not epochs |
    | optimiser | not known | Adam, 1e-3, epsilon 1 | Adam, 1e-3, learnt layers 5e-5, falling | keeps what is learnt |
    | batch, epochs | not known | 40, 51 (4 advised) | 100, 4 or 12 | a laptop |
    | G, D | not known | 64 px, 32 to 256 channels | 32 px, 8 to 64; picture=64 for theirs | a laptop |

    Rectified features have a large common part, and S is mostly -1: with a bare linear layer every z is first driven
    to the saddle at 0 and stays there (l_N stuck at 1). Batch norm without parameters takes the common part away; when
    encoding it is a fixed affine map. With 1/L, epsilon 1 would hardly move anything; without it, it is kept.
    ``adversarial=0`` takes l_A from the encoder and the generator only: D still learns while l_Per needs its phi.
    Networks train in bfloat16 where the device has it; the head, the losses and every code are computed in float32.

    Args:
        bits: code length L.
        variant: "paper", or "released" for the objective of the authors' code. Parameters whose default is None take
            what is written beside them; with "released", that code's choice: tanh, betas 1, no 1/L, one linear layer,
            no warm start, images as they are, batches of 40, a constant 1e-3 for all layers.
        encoder: "small" (five blocks on 32 px), the name of a backbone, or "auto": the network of the trial's
            features, small where these are pixels or gist. It reads the whole picture squeezed to a square, the
            features' network its own crop.
        hidden: width of a layer with ReLU in the hash head; 0 for one linear layer (512 with a pre-trained encoder, 0
            with the small one).
        freeze: leading blocks of the encoder that stay as they are (squeezenet1_1 has 14: 9 reach its last pooling,
            of vgg19's 43 the first 37 are its convolutions); their maps are computed once where they fit in 4 GiB.
        warm: epochs of l_N on the head alone, on the features of a pre-trained encoder as it is, before all train (60).
        neighbourhood, pixel, perceptual, adversarial: weights of l_N, l_MSE, l_Per and l_A in the paper's form, 0 or
            more (1, .1, .1, .1); 0 takes the part out of the objective. With "released" they are that code's.
        k1, k2: neighbours of an image, and images whose neighbours are joined, in S.
        expansion: False for plain ``k1`` nearest neighbours in S.
        scaled: False leaves 1/L out of l_N (True).
        activation: form of app, piecewise linear or tanh (piecewise).
        betas: its steepness, one value for each of equally long stages, in the warm start and again behind it
            (1, 2, 4, 8).
        picture: side of the pictures of generator and discriminator; 64 brings the widths of the authors' code.
        epochs, batch: passes over the images (4 with a pre-trained encoder, 12 with the small one), images per step
            (100).
        rate, pretrained_rate: Adam's rate for new layers and for those that were learnt before: a pre-trained encoder
            and a head after its warm start (5e-5).
        decay: rates fall to 0 along half a cosine, in the warm start and again behind it (True).
        neighbours: of each batch image, that many drawn from its +1 in S are in the batch too; an epoch still has as
            many images as the training set.
        views: versions of each image (4 with a pre-trained encoder, 1 with the small one): the image itself and others
            drawn once, of which every step takes one.
        flip, shift: the others may be mirrored, and are shifted by up to this share of their side.
        precision: what networks train in; "auto" is bfloat16 where the device has instructions for it.
        compiled: have torch compile the nets first; pays off in long trainings on a GPU.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        input="images",
        wants_features=True,
        paper="Song et al., Binary generative adversarial networks for image retrieval, AAAI 2018",
        presets={"quick": {"epochs": 4, "views": 1}},
    )

    neighbourhood: float
    pixel: float
    perceptual: float
    adversarial: float
    scaled: bool
    activation: Activation
    betas: tuple[float, ...]
    warm: int
    batch: int
    pretrained_rate: float
    decay: bool
    hidden: int | None
    views: int | None

    def __init__(
        self,
        bits: int,
        variant: Literal["paper", "released"] = "paper",
        encoder: str = AUTO,
        hidden: int | None = None,
        freeze: int = 0,
        warm: int | None = None,
        neighbourhood: float | None = None,
        pixel: float | None = None,
        perceptual: float | None = None,
        adversarial: float | None = None,
        k1: int = 20,
        k2: int = 30,
        expansion: bool = True,
        scaled: bool | None = None,
        activation: Activation | None = None,
        betas: tuple[float, ...] | None = None,
        picture: Literal[32, 64] = 32,
        epochs: int | None = None,
        batch: int | None = None,
        rate: float = 1e-3,
        pretrained_rate: float | None = None,
        decay: bool | None = None,
        neighbours: int = 0,
        views: int | None = None,
        flip: bool = True,
        shift: float = 0.1,
        precision: Precision = "auto",
        compiled: bool = False,
    ) -> None:
        super().__init__(bits)
        self.variant, self.encoder, self.freeze, self.epochs, self.rate = variant, encoder, freeze, epochs, rate
        self._require(variant in BY_VARIANT, "variant", " or ".join(BY_VARIANT))
        self.k1, self.k2, self.expansion, self.picture = k1, k2, expansion, picture
        self.neighbours, self.flip, self.shift = neighbours, flip, shift
        self.precision, self.compiled = precision, compiled
        asked: dict[str, Any] = {"scaled": scaled, "activation": activation, "betas": betas, "batch": batch}
        asked |= {"hidden": hidden, "warm": warm, "views": views, "pretrained_rate": pretrained_rate, "decay": decay}
        asked |= {"neighbourhood": neighbourhood, "pixel": pixel, "perceptual": perceptual, "adversarial": adversarial}
        vars(self).update(_filled(asked, BY_VARIANT[variant]))
        self._check()

    def _check(self) -> None:
        weights = WEIGHTS[self.variant]
        for name in (*weights, "hidden", "freeze", "warm", "neighbours"):
            self._require((getattr(self, name) or 0) >= 0, name, "0 or more")
        for name, least in (("k1", 1), ("k2", 1), ("epochs", 1), ("views", 1), ("batch", 3)):
            # A batch of 3 at least: no part of an epoch is one image.
            self._require(getattr(self, name) is None or getattr(self, name) >= least, name, f"{least} or more")
        for name in ("rate", "pretrained_rate"):
            self._require(0 < getattr(self, name) < inf, name, "more than 0")
        steep = len(self.betas) > 0 and min(self.betas) > 0 and max(self.betas) < inf
        self._require(steep, "betas", "one or more values above 0")
        self._require(0 <= self.shift < 1, "shift", "0 to below 1, a share of the side")
        self._require(self.neighbours < self.batch, "neighbours", f"fewer than the {self.batch} images of a batch")
        if self.encoder != AUTO:
            try:
                input_size(self.encoder)
            except UsageError as error:
                wanted = f"wanted {AUTO}, {SMALL} or a network: {error}"
                raise ValueError(f"bgan: encoder is {self.encoder!r}, {wanted}") from error
        if self.variant == "released":
            for name, own in weights.items():
                self._require(getattr(self, name) == own, name, f"{own}: variant=released has weights of its own")
        switched_on = any(getattr(self, name) for name in weights)
        self._require(switched_on, "neighbourhood", "at least one part of the objective switched on")
        if not self.neighbourhood:
            self._require(self.neighbours == 0, "neighbours", "0 where neighbourhood is 0: there is no S to draw from")
        if self.encoder == SMALL:
            self._require(self.freeze == 0, "freeze", "0 for the small encoder, which has learnt nothing to be kept")

    def _require(self, holds: bool, name: str, wanted: str) -> None:
        if not holds:
            raise ValueError(f"bgan: {name} is {getattr(self, name)}, wanted {wanted}")

    @classmethod
    def resolve(cls, parameters: dict[str, Any], features: str) -> dict[str, Any]:
        found = dict(parameters)
        found["encoder"] = _encoder(found["encoder"], features)
        return _filled(_filled(found, BY_VARIANT[found["variant"]]), BY_ENCODER[found["encoder"] != SMALL])

    def _encoder(self, features: str) -> str:
        return _encoder(self.encoder, features)

    def _chosen(self, name: str, encoder: ImageEncoder) -> int:
        """A parameter, or its default with this encoder."""
        value: int | None = getattr(self, name)
        return BY_ENCODER[encoder.pretrained][name] if value is None else value

    def backbones(self, features: str) -> tuple[str, ...]:
        name = self._encoder(features)
        return () if name == SMALL else (name,)

    def image_size(self, features: str) -> int:
        return input_size(self._encoder(features))

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        similarity = self._similarity(train, run) if self.neighbourhood else None
        dtype = computing_dtype(self.precision, run)
        encoder = build_encoder(self._encoder(run.features), run.backbone)
        hasher = self._hasher(encoder).to(run.device)
        game = self._game(encoder.dimension, dtype, run.device)
        trunk = self._trunk(encoder, run.device)
        views = Views(len(train), self._chosen("views", encoder), self.flip, self.shift, run.generator, run.device)
        feed = Feed(encoder, trunk, train.images, views, dtype)
        if self.compiled:
            compile_nets(hasher, game)
        with trunk.bypassed():
            pictures = Pictures(train.images, self.picture, views, run.device)
            HashTraining(hasher, feed, self._recipe(encoder), run, similarity, game, pictures).train()
        run.log_fact(precision=str(dtype).removeprefix("torch."))
        self.hasher_, self.generator_ = hasher.eval(), game.generator.eval() if game else None
        return self

    def _trunk(self, encoder: ImageEncoder, device: torch.device) -> Trunk:
        """The encoder's leading blocks that stay as they are, tried on noise."""
        if self.freeze and not encoder.pretrained:
            raise Incompatible(f"bgan: freeze is {self.freeze}, wanted 0: the small encoder has learnt nothing to keep")
        try:
            trunk = Trunk(encoder.net, self.freeze)
            noise = torch.Generator().manual_seed(0)
            trunk.check(torch.randn(2, 3, encoder.size, encoder.size, generator=noise).to(device))
        except ValueError as error:
            raise Incompatible(f"bgan: {error}") from error
        return trunk

    def _hasher(self, encoder: ImageEncoder) -> ImageHasher:
        return ImageHasher(encoder, self.bits, self._chosen("hidden", encoder), centred=self.variant == "paper")

    def _game(self, dimension: int, dtype: torch.dtype, device: torch.device) -> Game | None:
        stakes = Stakes(self.pixel, self.perceptual, self.adversarial)
        if not stakes.restores:
            return None
        generator = build_generator(self.bits, self.picture)
        discriminator = build_discriminator(self.picture) if stakes.judges else None
        game: Game = PaperGame(generator, discriminator, stakes, dtype)
        if self.variant == "released":
            game = ReleasedGame(generator, build_discriminator(self.picture), dimension, self.bits, dtype)
        return game.to(device)

    def _recipe(self, encoder: ImageEncoder) -> Recipe:
        released = self.variant == "released"
        return Recipe(
            neighbourhood=self.neighbourhood,
            quantisation=RELEASED_QUANTISATION if released else 0.0,
            scaled=self.scaled,
            activation=self.activation,
            betas=self.betas,
            warm=self.warm,
            epochs=self._chosen("epochs", encoder),
            batch=self.batch,
            rate=self.rate,
            learnt_rate=self.pretrained_rate,
            epsilon=RELEASED_EPSILON if released else 1e-8,
            decay=self.decay,
            neighbours=self.neighbours,
        )

    def _similarity(self, train: TrainingSet, run: RunContext) -> Similarity:
        if self.k1 >= len(train):
            raise Incompatible(
                f"bgan: k1 is {self.k1} and there are {len(train)} training images; wanted fewer neighbours than "
                "images: lower k1 or train on more"
            )
        similarity = neighbourhood_structure(train.features, self.k1, self.k2, self.expansion)
        run.log_positive_pairs(*similarity.pairs())
        return similarity

    def encode(self, batch: Tensor) -> Tensor:
        with torch.no_grad():
            z: Tensor = self.hasher_(batch)
        return z >= 0

    def restore(self, codes: Tensor) -> Tensor | None:
        if self.generator_ is None:
            return None
        with torch.no_grad():
            pictures: Tensor = self.generator_(codes.float() * 2 - 1)
        return pictures

    def state(self) -> dict[str, Tensor]:
        """Encoder (a backbone's whole state dict), hash head, and the generator where there is one."""
        made = {} if self.generator_ is None else self.generator_.state_dict(prefix="generator.")
        return {**self.hasher_.state_dict(), **made}

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:
        """Take over :meth:`state`; an encoder "auto" is the one that the run's features mean, small without a run.

        Raises:
            LookupError: the run, or none, has no network of the encoder's name to put the weights into.
        """
        encoder = build_encoder(self._encoder(run.features if run else "pixels"), run.backbone if run else no_backbone)
        hasher = self._hasher(encoder)
        generated = {name: value for name, value in state.items() if name.startswith("generator.")}
        hasher.load_state_dict({name: value for name, value in state.items() if name not in generated})
        device = state["head.last.weight"].device
        self.hasher_, self.generator_ = hasher.to(device).eval(), None
        if generated:
            generator = build_generator(self.bits, self.picture)
            generator.load_state_dict({name.removeprefix("generator."): value for name, value in generated.items()})
            self.generator_ = generator.to(device).eval()


def _encoder(asked: str, features: str) -> str:
    """The encoder's name; "auto" is the network of the features, small where they have none."""
    return asked if asked != AUTO else features if is_backbone(features) else SMALL


def _filled(values: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with ``defaults`` for what is None."""
    return values | {name: value for name, value in defaults.items() if values[name] is None}
