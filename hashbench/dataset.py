"""The base class of data sets: images, labels and index sets under one of its protocols."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.errors import UsageError
from hashbench.util.progress import Log, no_log

Items = npt.NDArray[np.int64]
Images = Tensor | list[Tensor]
Distance = Literal["l2", "cosine", "ip"]  # Euclidean; 1 - cosine; inner product, the largest nearest
DISTANCES: tuple[Distance, ...] = get_args(Distance)

# Default features of photographs, one choice for all sets, with weights from pip. The size is where accuracy stops to
# pay: by 10 neighbours, 75, 80, 83 and 84 % of CIFAR-10's training images fall into their class at 96, 128, 160 and
# 224 px, for 5.5, 6.9, 11.5 and 24 ms a picture.
PHOTO_FEATURES = "efficientnet_lite0@160"


@dataclass(frozen=True)
class Protocol:
    """A named split of a data set. Results of different protocols are never put in one column.

    Attributes:
        name: the part behind the slash ("bgan" of "cifar10/bgan").
        summary: one line: numbers of queries, database and training items, and where they are drawn from.
        cutoff: customary k of mAP@k, recorded beside mAP@1000; None if there is none.
    """

    name: str
    summary: str
    cutoff: int | None = None


@dataclass(frozen=True)
class Split:
    """Index sets, int64. Train and database are in random order, drawn with seeds of the protocol."""

    train: Items
    query: Items
    database: Items

    def parts(self) -> dict[str, Items]:
        """The three index sets by name, queries first."""
        return {"query": self.query, "database": self.database, "train": self.train}

    def among(self, present: npt.NDArray[np.bool_]) -> "Split":
        """The items that are ``present`` (bool [items]), in the same order."""
        return Split(**{name: items[present[items]] for name, items in self.parts().items()})


class Vectors(ABC):
    """One vector for each item of a data set, read on access.

    Attributes:
        shape: number of items and of dimensions.
        dtype: float16, float32, int8 or uint8.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    @abstractmethod
    def __getitem__(self, items: Items) -> npt.NDArray[Any]:
        """The vectors of ``items``, [n, dimensions] of :attr:`dtype`."""


class Dataset(ABC):
    """Images, labels and index sets under one protocol. A data set's file name is its name on the command line.

    Attributes:
        title: its name in captions.
        source: citation or address of its origin, with the licence.
        protocols: the name alone means the first; empty for data sets that a file describes (:meth:`described_by`).
        suffixes: of files that describe it, in lower case (".toml"), for the hint where its name was forgotten.
        options: what can be set of a data set that a file describes, behind "?" in its spec ("NAME:FILE?metric=ip").
        features: default features, :data:`PHOTO_FEATURES` for photographs.
        distance: relevant are the nearest neighbours of the vectors under it; None where labels alone say what is.
        root: the folder of all data sets.
        protocol: the protocol it was opened under.
        log: gets lines of progress.
    """

    title: str
    source: str
    protocols: ClassVar[tuple[Protocol, ...]]
    suffixes: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[tuple[str, ...]] = ()
    features: str
    distance: Distance | None = None

    def __init__(self, root: Path, protocol: Protocol) -> None:
        """Store root and protocol; read nothing yet."""
        self.root, self.protocol = root, protocol
        self.log: Log = no_log

    @classmethod
    def described_by(cls, file: Path) -> Self:
        """The data set that ``file`` describes, as "NAME:FILE" means on the command line.

        Raises:
            UsageError: this data set takes no file, or the file is malformed.
        """
        raise UsageError(f"{cls.title} takes no file, {str(file)!r} was given; write its name alone")

    def protocol_name(self) -> str:
        """The protocol's name in ids; data sets of the user's files add a hash of their content, "lists-1a2b3c4d"."""
        return self.protocol.name

    def require(self) -> None:  # noqa: B027 - a shipped data set needs nothing
        """Check that the files the protocol needs are on disk; images may be missing (:meth:`present`).

        Raises:
            UsageError: a file is missing; the message names the folder and the way out.
        """

    @abstractmethod
    def content(self) -> str:
        """Checksum (sha256, hexadecimal) of the files of images and labels; changes when images are missing.

        Raises:
            UsageError: a file is damaged or not as published; the message names it and its checksum.
        """

    def image_content(self) -> str:
        """Checksum of the images alone: cached features and leaks stay valid when labels change."""
        return self.content()

    def image_sums(self) -> Sequence[str | None] | None:
        """Checksum of each item's file (16 bytes, hexadecimal; None where missing), if all that its image depends on.

        None for data sets of which this cannot be said; then images that were decoded count for the whole set only.
        """
        return None

    @abstractmethod
    def __len__(self) -> int:
        """Number of items on the published list, which are numbered from 0."""

    def present(self) -> npt.NDArray[np.bool_]:
        """Bool [items], True if the image is on disk. Missing images are dropped from the index sets and counted."""
        return np.ones(len(self), dtype=np.bool_)

    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of the label columns."""

    @abstractmethod
    def labels(self) -> npt.NDArray[np.bool_]:
        """Multi-hot labels of all items, bool [items, classes]; items are relevant to each other if they share one."""

    def names(self, items: Items) -> list[str]:
        """The items' names in messages: their files if they have some."""
        return [f"item {item}" for item in items.tolist()]

    def notes(self) -> list[str]:
        """Lines on what looks wrong in the files of lists and labels, though it can be read; printed before a run."""
        return []

    def vectors(self) -> Vectors | None:
        """The vectors of all items, which are their features, of a data set without images; None where there are some.

        Raises:
            UsageError: a file of vectors cannot be read.
        """
        return None

    def known_neighbours(self) -> Items | None:
        """The nearest items of each query that came with the vectors, nearest first [queries, k]; None without them."""
        return None

    @abstractmethod
    def images(self, items: Items) -> Images:
        """The images of items that are present, in their own sizes, uint8 with 1 or 3 channels.

        One tensor [n, channels, h, w], or a list of n tensors [channels, h, w] if sizes differ.

        Raises:
            UsageError: a file cannot be decoded; the message names it. Or the data set has vectors and no images.
        """

    @abstractmethod
    def split(self) -> Split:
        """Index sets of :attr:`protocol`, drawn on the published list, missing images included."""

    def prepare(self, source: Path | None, log: Log) -> None:  # noqa: ARG002
        """Download the data set, or adopt files from ``source``; check sums, write whole files, skip complete ones."""
        log(f"{self.title} needs no preparation")
