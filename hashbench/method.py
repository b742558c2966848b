"""The contract of a hashing method: its inputs, its outputs; what it declares is in :mod:`hashbench.traits`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self

import torch
from torch import Tensor, nn

from hashbench.errors import Incompatible as Incompatible
from hashbench.traits import Traits as Traits


class ImageBatches(Protocol):
    """Images by index: a uint8 tensor [n, 3, h, w], or a source that decodes them on access."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class FrozenPart:
    """The leading blocks of a pre-trained network that a method leaves as they are.

    The engine computes their maps of an image once, keeps them on disk, and gives them to all trials that leave the
    same blocks of the same network, in training and for encoding.

    Attributes:
        network: its spec ("efficientnet_lite0@128").
        blocks: how many lead.
        views: augmented views of each training image, itself among them.
        flip, shift: of the other views (:mod:`hashbench.nets.augmentation`).
    """

    network: str
    blocks: int
    views: int = 1
    flip: bool = True
    shift: float = 0.1


class MapBatches(Protocol):
    """Maps of a :class:`FrozenPart` of training images in their views.

    Attributes:
        affine_params: [views, n, 3], how each view was drawn: mirror (-1 or 1), shifts down and right.
        held: all of them, where they lie on the device; None where each batch is read.
    """

    affine_params: Tensor
    held: Tensor | None

    def __len__(self) -> int: ...

    def __call__(self, rows: Tensor, view_ids: Tensor) -> Tensor:
        """Float16 [B, c, h, w] of the images ``rows`` in the views ``view_ids``, int64 [B] each on the device."""
        ...


@dataclass(frozen=True)
class TrainingSet:
    """The training data that a method's traits ask for, and nothing else.

    Raises:
        PermissionError: from a property that the traits do not ask for.
        ValueError: features, images, labels and maps are not of the same items.
    """

    given_features: Tensor | None = None
    given_images: ImageBatches | None = None
    given_labels: Tensor | None = None
    given_maps: MapBatches | None = None

    def __post_init__(self) -> None:
        given: dict[str, Sized | None] = {"features": self.given_features, "images": self.given_images}
        given |= {"labels": self.given_labels, "maps": self.given_maps}
        sizes = {name: len(part) for name, part in given.items() if part is not None}
        if len(set(sizes.values())) > 1:
            counts = ", ".join(f"{size:,} {name}" for name, size in sizes.items())
            raise ValueError(f"training set: {counts}, wanted as many of each: they are of the same items")
        if 0 in sizes.values():
            raise ValueError("training set: no items, wanted at least one")

    def __len__(self) -> int:
        return len(self.features if self.given_images is None else self.given_images)

    @property
    def features(self) -> Tensor:
        """Float32 [n, d] on the run's device."""
        if self.given_features is None:
            raise PermissionError("this method's traits do not ask for features (wants_features)")
        return self.given_features

    @property
    def images(self) -> ImageBatches:
        """Uint8 [n, 3, h, w] at the method's image size; index it with an int64 tensor to get a batch."""
        if self.given_images is None:
            raise PermissionError("this method's traits do not ask for images (input='images')")
        return self.given_images

    @property
    def maps(self) -> MapBatches:
        """Maps of the blocks that the method leaves as they are (:meth:`HashMethod.frozen_part`)."""
        if self.given_maps is None:
            raise PermissionError("this method names no frozen part (HashMethod.frozen_part)")
        return self.given_maps

    @property
    def labels(self) -> Tensor:
        """Bool [n, classes], multi-hot; only for methods whose traits say supervised."""
        if self.given_labels is None:
            raise PermissionError("labels are not given to an unsupervised method (traits.supervised is False)")
        return self.given_labels


@dataclass(frozen=True)
class Backbone:
    """A pre-trained network.

    Attributes:
        net: maps a normalised float batch [n, 3, size, size] to features [n, dimension].
        dimension: width of its output.
        size: side of its input in pixels.
        mean, std: per channel, of images in [0, 1].
    """

    net: nn.Module
    dimension: int
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def no_backbone(name: str) -> Backbone:
    """Provider for a run without pre-trained networks; always raises LookupError."""
    raise LookupError(f"no backbone named {name!r} is available to this run")


@dataclass(frozen=True)
class Linear:
    """A projection as numbers: z = (x - mean) @ projection - threshold, or the cosine of that, in float64.

    Attributes:
        mean: float64 [d].
        projection: float64 [d, bits]; None for the identity.
        threshold: float64 [bits]; None for zero.
        cosine: z is the cosine.
        nested: the first d features are read, however many there are.
    """

    mean: Tensor
    projection: Tensor | None = None
    threshold: Tensor | None = None
    cosine: bool = False
    nested: bool = False

    def __call__(self, batch: Tensor) -> Tensor:
        """z, float64 [n, bits], of features [n, d]."""
        z = (batch[:, : len(self.mean)] if self.nested else batch).double() - self.mean
        if self.projection is not None:
            z = z @ self.projection
        if self.threshold is not None:
            z = z - self.threshold
        return torch.cos(z) if self.cosine else z


@dataclass
class RunContext:
    """What the engine gives to ``fit``.

    Attributes:
        device: of all tensors.
        generator: a seeded generator on the CPU; pass it to every draw.
        features: id of the trial's features ("gist", "squeezenet1_1@128").
        distance: that the trial's features are near under, where their neighbours are what counts: l2, cosine or ip.
        dtype: what networks compute in: bfloat16 for autocast where the method's parameter "precision" says so, else
            float32.
        checkpoint: a folder of the trial's own that outlives a killed training, or None; the method creates it.
        backbones: provider behind :meth:`backbone`.
        progress: called after every epoch with (done, total, values).
        epochs: collected by :meth:`log_epoch`; ``training.epochs`` of the record.
        facts: collected by :meth:`log_fact`; ``training.facts`` of the record.
        positive_pairs: from :meth:`log_positive_pairs`, or None.
    """

    device: torch.device
    generator: torch.Generator
    features: str = "pixels"
    distance: Literal["l2", "cosine", "ip"] = "l2"
    dtype: torch.dtype = torch.float32
    checkpoint: Path | None = None
    backbones: Callable[[str], Backbone] = no_backbone
    progress: Callable[[int, int, dict[str, float]], None] | None = None
    epochs: list[dict[str, float]] = field(default_factory=list)
    facts: dict[str, float | str] = field(default_factory=dict)
    positive_pairs: tuple[Tensor, Tensor] | None = None

    def backbone(self, name: str) -> Backbone:
        """A new network with its weights, preprocessing and size.

        Raises:
            LookupError: this run has no such network.
        """
        return self.backbones(name)

    def log_epoch(self, done: int, total: int, **values: float | Tensor) -> None:
        """Log the means of an epoch's (or iteration's) losses, with its number among ``total``.

        Tensors of one element are read here, once, so a training loop need not synchronise with its device.
        """
        numbers = {name: float(value) for name, value in values.items()}
        self.epochs.append({"epoch": float(done), **numbers})
        if self.progress is not None:
            self.progress(done, total, numbers)

    def log_fact(self, **values: float | str) -> None:
        """Log what is true of the whole training ("precision": "bfloat16"); a later value replaces an earlier one."""
        self.facts |= values

    def log_positive_pairs(self, rows: Tensor, columns: Tensor) -> None:
        """Log the pairs of training items that ``fit`` took as similar, int64 [pairs] each.

        After ``fit`` the engine compares them with the labels, which the method does not see: their precision and
        recall are ``training.similarity`` of the record.
        """
        self.positive_pairs = (rows, columns)


class HashMethod(ABC):
    """A hashing method: images or features to ``bits`` bits.

    The file name is the method's name on the command line. Hyper-parameters are the keyword arguments of
    ``__init__``, each with a type and a default; ``__init__`` stores and validates them and does nothing else.
    One called ``precision`` with the value "auto" gets "float32" or "bfloat16", whichever suits the run's device.
    Attributes that ``fit`` learns end in ``_``.

    Attributes:
        traits: what the method declares about itself.
        renamed: new name of each hyper-parameter that had another name before, for records and for messages.
    """

    traits: ClassVar[Traits]
    renamed: ClassVar[Mapping[str, str]] = {}

    def __init__(self, bits: int) -> None:
        self.bits = bits

    @abstractmethod
    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        """Learn from the training set.

        Raises:
            Incompatible: the method cannot do this (more bits than it can make from these features).
        """

    @abstractmethod
    def encode(self, batch: Tensor) -> Tensor:
        """Bool [n, bits], True is +1, of float32 features [n, d] or uint8 images [n, 3, h, w] on the run's device.

        The code of an item does not depend on the others in its batch.
        """

    def project(self, batch: Tensor) -> Tensor | None:
        """What ``encode`` takes the signs of, float [n, bits], of the same batch; None where a method has no such.

        A bit is 1 where its value is more than 0, or 0 or more if the traits say ``zero_is_one``. By default that of
        :meth:`linear`.
        """
        linear = self.linear()
        return None if linear is None else linear(batch)

    def linear(self) -> Linear | None:
        """The projection as numbers, for files that other programs read; None where it is no such map."""
        return None

    def factors(self, batch: Tensor) -> Tensor:
        """Of an estimator: what the database keeps of each item beside its code, float32 [n, f], of the same batch."""
        raise NotImplementedError(f"{type(self).__name__} is an estimator and must define factors")

    def prepare(self, queries: Tensor) -> Tensor:
        """Of an estimator: what :meth:`scores` reads of queries, float32 [q, p], of a batch like :meth:`encode`'s."""
        raise NotImplementedError(f"{type(self).__name__} is an estimator and must define prepare")

    def scores(self, prepared: Tensor, codes: Tensor, factors: Tensor) -> Tensor:
        """Of an estimator: scores of every query and every item of a block, float32 [q, block], less is nearer.

        A score does not depend on what else stands in its block.

        Args:
            prepared: of queries, float32 [q, p], rows of what :meth:`prepare` returned.
            codes: packed bits, uint8 [block, ceil(bits / 8)], the first bit highest;
                :func:`hashbench.search.signed_products.signed_products` multiplies them with real numbers.
            factors: float32 [block, f], of the same items.
        """
        raise NotImplementedError(f"{type(self).__name__} is an estimator and must define scores")

    def remark(self) -> str | None:
        """What a table has to say of results with these parameters, a phrase for its caption; or None."""
        return None

    def is_nested(self) -> bool:
        """Whether its codes are nested with these parameters; what the traits say, unless overridden."""
        return self.traits.nested

    def first_bits(self, bits: int) -> Self:
        """A new method of the first ``bits`` bits of this fitted one: what ``fit`` at that length would have made."""
        raise NotImplementedError(f"{type(self).__name__} says that its codes are nested and must define first_bits")

    def frozen_part(self) -> FrozenPart | None:
        """The leading blocks of a network that the method leaves as they are, or None; ``encode_maps`` goes with it."""
        return None

    def encode_maps(self, maps: Tensor) -> Tensor:
        """As :meth:`encode`, of the frozen part's maps of the images: float16 [n, c, h, w], rounded from float32.

        At most 1 bit in 10,000 may differ from that of :meth:`encode`, where sums in another order round otherwise.
        """
        raise NotImplementedError(f"{type(self).__name__} names a frozen part and must define encode_maps")

    @classmethod
    def resolve(cls, parameters: dict[str, Any], features: str) -> dict[str, Any]:  # noqa: ARG003
        """Fill in parameters whose default depends on the trial's features; the result is recorded."""
        return parameters

    def backbones(self, features: str) -> tuple[str, ...]:  # noqa: ARG002 - for overriding methods
        """Specs of the pre-trained networks that ``fit`` and ``load_state`` need from the run ("squeezenet1_1@128").

        Their weights are part of a trial's identity; a run has no others.
        """
        return ()

    def restore(self, codes: Tensor) -> Tensor | None:  # noqa: ARG002 - for overriding methods
        """Images, float [n, 3, h, w] in [0, 1], reconstructed from bool codes [n, bits] by a fitted method, or None."""
        return None

    def image_size(self, features: str) -> int:
        """Side in pixels of the images that a method on images reads; may depend on parameters and features."""
        raise NotImplementedError(f"{type(self).__name__} reads images and must define image_size")

    def state(self) -> dict[str, Tensor]:
        """Everything ``encode`` needs. By default: the attributes that end in ``_``, which then have to be tensors.

        Raises:
            TypeError: one is something else, a network say; such a method has to override this.
        """
        learnt = {name: value for name, value in vars(self).items() if name.endswith("_")}
        for name, value in learnt.items():
            if not isinstance(value, Tensor):
                kind = type(value).__name__
                raise TypeError(f"{type(self).__name__}.{name} is a {kind}, not a tensor: override state, load_state")
        return learnt

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:  # noqa: ARG002
        """Restore what :meth:`state` returned; the parameters of ``__init__`` have to be the same.

        Args:
            state: tensors by name, on the device to encode on.
            run: for a method that needs a backbone's architecture to put its weights into.
        """
        for name, value in state.items():
            setattr(self, name, value)
