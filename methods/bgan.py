"""BGAN: binary generative adversarial networks for image retrieval."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible, UsageError
from hashbench.features.backbones import is_backbone
from hashbench.method import Backbone, FrozenPart, HashMethod, RunContext, TrainingSet, Traits, no_backbone
from hashbench.nets.adversarial import (
    AdversarialObjective,
    LossWeights,
    PaperObjective,
    ReleasedObjective,
    build_discriminator,
    build_generator,
)
from hashbench.nets.augmentation import Augmentation
from hashbench.nets.diffusion import diffusion_structure
from hashbench.nets.encoders import SMALL, ImageEncoder, build_encoder, input_size
from hashbench.nets.hash_training import HashTraining, TrainingConfig, compile_nets
from hashbench.nets.hashers import ImageHasher
from hashbench.nets.neighbours import Similarity, neighbourhood_structure
from hashbench.nets.precision import Precision, computing_dtype
from hashbench.nets.signs import Activation
from hashbench.nets.training_images import EncoderInputs, GeneratorTargets

AUTO = "auto"
SimilarityKind = Literal["shared", "nearest", "diffusion"]
LOSSES = ("neighbourhood", "pixel", "perceptual", "adversarial")
VARIANTS = ("tuned", "paper", "released")
# Defaults by variant; the authors' code has weights that belong to its own reductions (means, no 1/L).
OBJECTIVE: dict[str, Any] = {
    "neighbourhood": 1.0,
    "pixel": 0.1,
    "perceptual": 0.1,
    "adversarial": 0.1,
    "divide_by_bits": True,
    "activation": "piecewise",
    "betas": (1.0, 2.0, 4.0, 8.0),
}
TUNED: dict[str, Any] = {
    **OBJECTIVE,
    "head_warmup_epochs": 60,
    "batch": 100,
    "pretrained_rate": 5e-5,
    "cosine_decay": True,
}
# What was chosen for pre-trained encoders alone: the features of a network are better neighbours than pixels.
TUNED_PRETRAINED: dict[str, Any] = {
    **TUNED,
    "similarity": "diffusion",
    "fixed_statistics": True,
    "hidden": 512,
    "freeze": 0,
    "views": 4,
    "epochs": 4,
}
AS_WRITTEN: dict[str, Any] = {
    "similarity": "shared",
    "fixed_statistics": False,
    "hidden": 0,
    "freeze": 0,
    "views": 1,
}
PAPER: dict[str, Any] = {
    **OBJECTIVE,
    **AS_WRITTEN,
    "head_warmup_epochs": 0,
    "batch": 40,
    "pretrained_rate": 1e-4,
    "cosine_decay": False,
}
RELEASED: dict[str, Any] = {
    **AS_WRITTEN,
    "neighbourhood": 10.0,
    "pixel": 0.0,
    "perceptual": 1.0,
    "adversarial": 1.0,
    "divide_by_bits": False,
    "activation": "tanh",
    "betas": (1.0,),
    "head_warmup_epochs": 0,
    "batch": 40,
    "pretrained_rate": 1e-3,
    "cosine_decay": False,
}
# By variant and by whether the encoder is the small one.
DEFAULTS: dict[tuple[str, bool], dict[str, Any]] = {
    ("tuned", True): {**AS_WRITTEN, **TUNED, "epochs": 12},
    ("tuned", False): TUNED_PRETRAINED,
    ("paper", True): {**PAPER, "epochs": 12},
    ("paper", False): {**PAPER, "epochs": 4},
    ("released", True): {**RELEASED, "epochs": 12},
    ("released", False): {**RELEASED, "epochs": 4},
}
# Leading blocks that tuned leaves as they are, those before the last stage: of lite0 by validation.
FREEZE = {"efficientnet_lite0": 17, "efficientnet_lite1": 22, "efficientnet_lite2": 22}
# By where S is from.
OF_SIMILARITY: dict[str, dict[str, Any]] = {
    "shared": {"k1": 20, "average_views": False},
    "nearest": {"k1": 20, "average_views": False},
    "diffusion": {"k1": 10, "average_views": True},
}
RELEASED_QUANTISATION = 10.0
RELEASED_EPSILON = 1.0


class BGAN(HashMethod):
    """Codes that keep the neighbourhoods of the trial's features and from which a generator reconstructs the images.

    An encoder of its own reads the images; b = sgn(z) of its hash head's z. In training the relaxed sign app(beta z)
    replaces it and beta is raised in stages. Over a batch of B the encoder and the generator minimise

        mean_ij ((1/L) b_i . b_j - s_ij)^2 + (2/B) mean_i (pixel l_MSE + perceptual l_Per + adversarial log(1 - D(I^R)))

    and the discriminator maximises mean_i (log D(I) + log(1 - D(I^R))). That is the paper's l, which sums over the
    batch, divided by B^2 / 2, so the weights are the paper's: neighbourhood 1, pixel and perceptual lambda1,
    adversarial lambda2. S comes from the features, never from labels; the record has its agreement with them.

    Three variants, one of which every label names. ``paper`` is the method as it is written: a linear head drawn from
    N(0, .001), all layers trained from the first step, the images as they are. What the paper leaves open was chosen
    once: Adam at 1e-4 for the pre-trained layers and 1e-3 for new ones, batches of 40 and 4 epochs as the authors'
    code and advice have them, beta in four equal stages. ``released`` is the objective of the authors' code.
    ``tuned``, the default, has the paper's objective under a training that was chosen on validation data
    (``bgan-selection``, ``photo-selection``). The paper, the authors' code and ``tuned``:

    | | paper | released code | tuned | why |
    |---|---|---|---|---|
    | l_N | 1/2 sum_ij, products times 1/L | mean_ij, no 1/L, weight 10 | mean_ij, 1/L | independent of B |
    | quantisation | none | mean (b - sgn z)^2, weight 10 (chosen) | none | the paper |
    | l_MSE | mean over positions | in no gradient | the same, summed over channels | as a squared length |
    | l_Per | mean over positions | mean over the batch | the same, summed over channels | as l_MSE |
    | lambda1, lambda2 | .1 (from the code) | 1 beside 10 | .1 times 2/B | l divided by B^2 / 2 |
    | phi | last convolution of D | hidden layer, 1024 | its output before batch norm | keeps mean and scale |
    | code into G | binary | b + sigma e, sigma learnt | sgn(z), gradient of app | G sees codes |
    | fakes of D | I^R = G(b) | G(noise) | I^R | the paper |
    | G minimises | l | phi loss - log D(G(noise)) | l | the paper |
    | b in l_N | app(beta z) | tanh(z) | app(beta z), diagonal of S included | the paper |
    | beta | raised in stages | constant | 1, 2, 4, 8 in equal stages | begins in app's linear part |
    | S | K1 = 20, K2 = 30 | the same | pre-trained: by diffusion, of the mean of views | held-out mAP |
    | hash head | linear, N(0, .001) | the same | the same or two layers, features centred first | below |
    | dropout of VGG19 | behind fc6 and fc7 | the same | behind fc6, in all variants | its features are fc7's |
    | start | ImageNet weights | the same | then head warm-up on frozen features | seconds, not epochs |
    | trained layers | all | all | all, or those behind ``freeze``; batch norms fixed | held-out mAP |
    | augmentation | not known | none | four views of an image, pre-trained encoders only | held-out mAP |
    | optimiser | not known | Adam, 1e-3, epsilon 1 | 1e-3, pre-trained 5e-5, cosine decay | keeps what is learnt |
    | batch, epochs | not known | 40, 51 (4 advised) | 100, 4 or 12 | a laptop |
    | G, D | not known | 64 px, 32 to 256 channels | 32 px, 8 to 64; reconstruction_size=64 for theirs | a laptop |

    Rectified features have a large common part, and S is mostly -1: with a bare linear layer every z is first driven
    to the saddle at 0 and stays there (l_N stuck at 1). Batch norm without parameters takes the common part away; when
    encoding it is a fixed affine map. Adam's epsilon of 1 would swamp gradients scaled by 1/L, so only
    ``released`` uses it.
    ``adversarial=0`` takes l_A from the encoder and the generator only: D is still trained while l_Per needs its phi.
    Networks train in bfloat16 where the device has it; the head, the losses and every code are computed in float32.

    Args:
        bits: code length L.
        variant: "tuned", "paper" or "released", see above. Parameters whose default is None take the value in
            parentheses; with "paper" one linear layer on features as they are, no head warm-up, nothing frozen, images
            as they are, batches of 40, constant rates, 1e-4 for pre-trained layers; with "released" that code's
            choice: the same head and batches, tanh, betas 1, no 1/L, a constant 1e-3 for all layers.
        encoder: "small" (five blocks on 32 px), the name of a backbone, or "auto", which :meth:`resolve` replaces by
            the network of the trial's features, and by "small" where these are pixels, gist or not known. It reads
            the whole image squeezed to a square, the features' network its own crop.
        hidden: width of a layer with ReLU in the hash head; 0 for one linear layer (512 with a pre-trained encoder, 0
            with the small one).
        freeze: leading blocks of the encoder that stay as they are (squeezenet1_1 has 14: 9 reach its last pooling,
            of vgg19's 43 the first 37 are its convolutions). Their maps are computed once, rounded to float16 and
            kept; views are then drawn by the images' numbers, the same for all seeds (17 of efficientnet_lite0's 22
            with tuned, 22 of lite1's and lite2's 27, else 0).
        head_warmup_epochs: epochs of l_N that train the head alone on the features of a pre-trained encoder, before
            all layers are trained (60).
        neighbourhood, pixel, perceptual, adversarial: weights of l_N, l_MSE, l_Per and l_A in the paper's form, 0 or
            more (1, .1, .1, .1); 0 takes the part out of the objective. With "released" they are that code's.
        similarity: where S is from: "shared" neighbours as in the paper, the "nearest" neighbours alone, or a
            "diffusion" over the graph of nearest neighbours (diffusion with a pre-trained encoder, else shared).
        k1: neighbours of an image (20; 10 for diffusion).
        k2: images whose neighbours are joined; for shared neighbours.
        similar: how many images are similar to each, those that the diffusion reaches most, and no more than a
            sixteenth of the training items; for diffusion.
        average_views: S of the mean of the features of an image's views, where the encoder is the network of the
            trial's features (True for diffusion).
        divide_by_bits: False leaves 1/L out of l_N (True).
        activation: form of the relaxed sign, piecewise linear or tanh (piecewise).
        betas: its steepness, one value for each of equally long stages, in the head's warm-up and again after it
            (1, 2, 4, 8).
        reconstruction_size: side in pixels of the images of generator and discriminator; with 64 these have the widths
            of the authors' code.
        epochs, batch: passes over the images (4 with a pre-trained encoder, 12 with the small one), images per step
            (100).
        rate, pretrained_rate: Adam's learning rate for new layers, and for a pre-trained encoder and a head after its
            warm-up (5e-5).
        fixed_statistics: a pre-trained encoder's batch norms keep their statistics in training (True with one).
        cosine_decay: learning rates fall to 0 along half a cosine, in the head's warm-up and again after it (True).
        batch_neighbours: images with +1 in S that are drawn into the batch with each of its images; an epoch still has
            as many images as the training set.
        views: augmented views of each image (4 with a pre-trained encoder, 1 with the small one): the image itself
            and others drawn once, of which every step takes one.
        flip, shift: whether the others may be mirrored, and up to which share of the side they are shifted.
        precision: of the networks in training; "auto" is bfloat16 where the device has instructions for it.
        compiled: have torch compile the nets first; pays off in long trainings on a GPU.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        input="images",
        wants_features=True,
        zero_is_one=True,
        paper="Song et al., Binary generative adversarial networks for image retrieval, AAAI 2018",
        presets={"quick": {"epochs": 4, "views": 1}},
    )
    renamed: ClassVar[Mapping[str, str]] = {
        "warm": "head_warmup_epochs",
        "scaled": "divide_by_bits",
        "picture": "reconstruction_size",
        "decay": "cosine_decay",
        "neighbours": "batch_neighbours",
    }

    encoder: str
    hidden: int
    freeze: int
    head_warmup_epochs: int
    neighbourhood: float
    pixel: float
    perceptual: float
    adversarial: float
    divide_by_bits: bool
    activation: Activation
    betas: tuple[float, ...]
    similarity: SimilarityKind
    k1: int
    average_views: bool
    fixed_statistics: bool
    epochs: int
    batch: int
    pretrained_rate: float
    cosine_decay: bool
    views: int

    def __init__(
        self,
        bits: int,
        variant: Literal["tuned", "paper", "released"] = "tuned",
        encoder: str = AUTO,
        hidden: int | None = None,
        freeze: int | None = None,
        head_warmup_epochs: int | None = None,
        neighbourhood: float | None = None,
        pixel: float | None = None,
        perceptual: float | None = None,
        adversarial: float | None = None,
        similarity: SimilarityKind | None = None,
        k1: int | None = None,
        k2: int = 30,
        similar: int = 400,
        average_views: bool | None = None,
        divide_by_bits: bool | None = None,
        activation: Activation | None = None,
        betas: tuple[float, ...] | None = None,
        reconstruction_size: Literal[32, 64] = 32,
        epochs: int | None = None,
        batch: int | None = None,
        rate: float = 1e-3,
        pretrained_rate: float | None = None,
        cosine_decay: bool | None = None,
        fixed_statistics: bool | None = None,
        batch_neighbours: int = 0,
        views: int | None = None,
        flip: bool = True,
        shift: float = 0.1,
        precision: Precision = "auto",
        compiled: bool = False,
    ) -> None:
        super().__init__(bits)
        self.variant, self.rate, self.batch_neighbours = variant, rate, batch_neighbours
        self.k2, self.similar, self.reconstruction_size = k2, similar, reconstruction_size
        self.flip, self.shift, self.precision, self.compiled = flip, shift, precision, compiled
        self._require(variant in VARIANTS, "variant", "tuned, paper or released")
        given: dict[str, Any] = {
            "variant": variant,
            "encoder": encoder,
            "hidden": hidden,
            "freeze": freeze,
            "views": views,
        }
        given |= {"neighbourhood": neighbourhood, "pixel": pixel, "perceptual": perceptual, "adversarial": adversarial}
        given |= {"divide_by_bits": divide_by_bits, "activation": activation, "betas": betas}
        given |= {"head_warmup_epochs": head_warmup_epochs, "epochs": epochs, "batch": batch}
        given |= {"pretrained_rate": pretrained_rate, "cosine_decay": cosine_decay, "k1": k1}
        given |= {"similarity": similarity, "average_views": average_views, "fixed_statistics": fixed_statistics}
        vars(self).update(self.resolve(given, features="pixels"))
        self._check()

    def _check(self) -> None:
        self._require(self.similarity in OF_SIMILARITY, "similarity", "shared, nearest or diffusion")
        for name in (*LOSSES, "hidden", "freeze", "head_warmup_epochs", "batch_neighbours"):
            self._require(getattr(self, name) >= 0, name, "0 or more")
        for name, least in (("k1", 1), ("k2", 1), ("similar", 1), ("epochs", 1), ("views", 1), ("batch", 3)):
            # A batch of 3 at least: no part of an epoch is one image.
            self._require(getattr(self, name) >= least, name, f"{least} or more")
        for name in ("rate", "pretrained_rate"):
            self._require(0 < getattr(self, name) < inf, name, "more than 0")
        steep = len(self.betas) > 0 and min(self.betas) > 0 and max(self.betas) < inf
        self._require(steep, "betas", "one or more values above 0")
        self._require(0 <= self.shift < 1, "shift", "0 to below 1, a share of the side")
        fewer = self.batch_neighbours < self.batch
        self._require(fewer, "batch_neighbours", f"fewer than the {self.batch} images of a batch")
        try:
            input_size(self.encoder)
        except UsageError as error:
            wanted = f"wanted {AUTO}, {SMALL} or a network: {error}"
            raise ValueError(f"bgan: encoder is {self.encoder!r}, {wanted}") from error
        if self.variant == "released":
            for name in LOSSES:
                wanted = f"{RELEASED[name]}: variant=released has weights of its own"
                self._require(getattr(self, name) == RELEASED[name], name, wanted)
        if not any(getattr(self, name) for name in LOSSES):
            raise ValueError(f"bgan: {', '.join(LOSSES)} are all 0, wanted at least one above 0")
        if not self.neighbourhood:
            wanted = "0 where neighbourhood is 0: there is no S to draw from"
            self._require(self.batch_neighbours == 0, "batch_neighbours", wanted)
        if self.encoder == SMALL:
            self._require(self.freeze == 0, "freeze", "0 for the small encoder, which is not pre-trained")

    def _require(self, holds: bool, name: str, wanted: str) -> None:
        if not holds:
            raise ValueError(f"bgan: {name} is {getattr(self, name)}, wanted {wanted}")

    @classmethod
    def resolve(cls, parameters: dict[str, Any], features: str) -> dict[str, Any]:
        encoder = parameters["encoder"]
        if encoder == AUTO:
            encoder = features if is_backbone(features) else SMALL
        given = {name: value for name, value in parameters.items() if value is not None} | {"encoder": encoder}
        chosen = {**DEFAULTS[parameters["variant"], encoder == SMALL]}
        if parameters["variant"] == "tuned":
            chosen["freeze"] = FREEZE.get(encoder.partition("@")[0], 0)
        chosen |= given
        return {**parameters, **OF_SIMILARITY.get(chosen["similarity"], {}), **chosen}

    def backbones(self, features: str) -> tuple[str, ...]:  # noqa: ARG002 - the encoder is resolved
        return () if self.encoder == SMALL else (self.encoder,)

    def image_size(self, features: str) -> int:  # noqa: ARG002 - the encoder is resolved
        return input_size(self.encoder)

    def remark(self) -> str | None:
        if self.encoder.partition("@")[0] == "vgg19":
            return None
        encoder = "of five blocks" if self.encoder == SMALL else self.encoder
        return f"objective and networks are not from one paper (encoder {encoder}, in BGAN's paper VGG19)"

    def frozen_part(self) -> FrozenPart | None:
        return FrozenPart(self.encoder, self.freeze, self.views, self.flip, self.shift) if self.freeze else None

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        dtype = computing_dtype(self.precision, run)
        encoder = self._encoder(run.backbone)
        hasher = self._hasher(encoder).to(run.device)
        objective = self._adversarial_objective(encoder.dimension, dtype, run.device)
        maps = train.maps if self.freeze else None
        if maps is not None:
            augmentation = Augmentation(maps.affine_params, run.generator, run.device)
        else:
            drawn = len(train), self.views, self.flip, self.shift
            augmentation = Augmentation.drawn(*drawn, run.generator, run.device)
        inputs = EncoderInputs(encoder, train.images, augmentation, dtype, maps)
        similarity = self._similarity(train, inputs, run) if self.neighbourhood else None
        if self.compiled:
            compile_nets(hasher, objective)
        targets = None
        if objective:
            targets = GeneratorTargets(train.images, self.reconstruction_size, augmentation, run.device)
        HashTraining(hasher, inputs, self._config(), run, similarity, objective, targets).train()
        run.log_fact(precision=str(dtype).removeprefix("torch."))
        self.hasher_, self.generator_ = hasher.eval(), objective.generator.eval() if objective else None
        return self

    def _encoder(self, backbone: Callable[[str], Backbone]) -> ImageEncoder:
        encoder = build_encoder(self.encoder, backbone)
        encoder.freeze(self.freeze)
        return encoder

    def _hasher(self, encoder: ImageEncoder) -> ImageHasher:
        return ImageHasher(encoder, self.bits, self.hidden, centred=self.variant == "tuned")

    def _adversarial_objective(
        self, dimension: int, dtype: torch.dtype, device: torch.device
    ) -> AdversarialObjective | None:
        weights = LossWeights(self.pixel, self.perceptual, self.adversarial)
        if not weights.needs_generator:
            return None
        generator = build_generator(self.bits, self.reconstruction_size)
        discriminator = build_discriminator(self.reconstruction_size) if weights.needs_discriminator else None
        if self.variant != "released":
            return PaperObjective(generator, discriminator, weights, dtype).to(device)
        discriminator = build_discriminator(self.reconstruction_size)  # drawn again, as for the published records
        return ReleasedObjective(generator, discriminator, dimension, self.bits, dtype).to(device)

    def _config(self) -> TrainingConfig:
        released = self.variant == "released"
        return TrainingConfig(
            neighbourhood=self.neighbourhood,
            quantisation=RELEASED_QUANTISATION if released else 0.0,
            divide_by_bits=self.divide_by_bits,
            activation=self.activation,
            betas=self.betas,
            head_warmup_epochs=self.head_warmup_epochs,
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate,
            pretrained_rate=self.pretrained_rate,
            epsilon=RELEASED_EPSILON if released else 1e-8,
            cosine_decay=self.cosine_decay,
            fixed_statistics=self.fixed_statistics,
            batch_neighbours=self.batch_neighbours,
        )

    def _similarity(self, train: TrainingSet, inputs: EncoderInputs, run: RunContext) -> Similarity:
        if self.k1 >= len(train):
            raise Incompatible(
                f"bgan: k1 is {self.k1} and there are {len(train)} training images; wanted fewer neighbours than "
                "images: lower k1 or train on more"
            )
        features = train.features
        if self.average_views and self.views > 1 and self.encoder == run.features:
            features = inputs.features().mean(0)
        if self.similarity == "diffusion":
            similarity = diffusion_structure(features, self.k1, self.similar)
        else:
            similarity = neighbourhood_structure(features, self.k1, self.k2, self.similarity == "shared")
        run.log_positive_pairs(*similarity.pairs())
        return similarity

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) >= 0

    def project(self, batch: Tensor) -> Tensor:
        with torch.no_grad():
            z: Tensor = self.hasher_(batch)
        return z

    def encode_maps(self, maps: Tensor) -> Tensor:
        with torch.no_grad():
            z = self.hasher_.from_inputs(maps)
        return z >= 0

    def restore(self, codes: Tensor) -> Tensor | None:
        if self.generator_ is None:
            return None
        with torch.no_grad():
            images: Tensor = self.generator_(codes.float() * 2 - 1)
        return images

    def state(self) -> dict[str, Tensor]:
        """Encoder (a backbone's whole state dict), hash head, and the generator where there is one."""
        generator = {} if self.generator_ is None else self.generator_.state_dict(prefix="generator.")
        return {**self.hasher_.state_dict(), **generator}

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:
        """Restore :meth:`state`.

        Raises:
            LookupError: there is no run, or the run has no network of the encoder's name to put the weights into.
        """
        hasher = self._hasher(self._encoder(run.backbone if run else no_backbone))
        generated = {name: value for name, value in state.items() if name.startswith("generator.")}
        hasher.load_state_dict({name: value for name, value in state.items() if name not in generated})
        device = state["head.last.weight"].device
        self.hasher_, self.generator_ = hasher.to(device).eval(), None
        if generated:
            generator = build_generator(self.bits, self.reconstruction_size)
            generator.load_state_dict({name.removeprefix("generator."): value for name, value in generated.items()})
            self.generator_ = generator.to(device).eval()
