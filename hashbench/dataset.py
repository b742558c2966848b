"""The contract of a data set: images, labels and index sets under one of its protocols."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.errors import UsageError
from hashbench.util.progress import no_log

Items = npt.NDArray[np.int64]
Images = Tensor | list[Tensor]
Log = Callable[[str], None]


@dataclass(frozen=True)
class Protocol:
    """A named way to split a data set. Numbers of different protocols are never put in one column.

    Attributes:
        name: the part behind the slash ("bgan" of "cifar10/bgan").
        summary: one line: how many queries, database and training items, drawn from where.
        cutoff: customary k of mAP@k, recorded beside mAP@1000; None where there is none.
    """

    name: str
    summary: str
    cutoff: int | None = None


@dataclass(frozen=True)
class Split:
    """Item numbers, int64. The orders of train and database are permutations drawn with the protocol's constants."""

    train: Items
    query: Items
    database: Items

    def parts(self) -> dict[str, Items]:
        """The three index sets by name, queries first."""
        return {"query": self.query, "database": self.database, "train": self.train}

    def among(self, present: npt.NDArray[np.bool_]) -> "Split":
        """Only the items that are ``present`` (bool [items]), in their order."""
        return Split(**{name: items[present[items]] for name, items in self.parts().items()})


class Dataset(ABC):
    """Images, labels and index sets under one protocol. The file name is its name on the command line.

    Attributes:
        title: what a caption calls it.
        source: citation or address of its origin, with the licence.
        protocols: the first is what the bare name means; empty for a kind that a file describes (:meth:`described_by`).
        features: default features.
        root: the folder of all data sets.
        protocol: the protocol it was opened under.
        log: gets lines of progress where reading takes long.
    """

    title: str
    source: str
    protocols: ClassVar[tuple[Protocol, ...]]
    features: str

    def __init__(self, root: Path, protocol: Protocol) -> None:
        """Nothing is read yet."""
        self.root, self.protocol = root, protocol
        self.log: Log = no_log

    @classmethod
    def described_by(cls, file: Path) -> Self:
        """The data set that ``file`` describes, as "NAME:FILE" means on the command line.

        Raises:
            UsageError: this data set is not one that a file describes, or the file is not as it should be.
        """
        raise UsageError(f"{cls.title} takes no file, {str(file)!r} was given; write its name alone")

    def protocol_name(self) -> str:
        """The protocol's name in ids: a set made from the user's files adds a hash of its content, "lists-1a2b3c4d"."""
        return self.protocol.name

    def require(self) -> None:  # noqa: B027 - a shipped data set needs nothing
        """Check that what the protocol needs is on disk; images may be missing (:meth:`present`).

        Raises:
            UsageError: something is absent; the message names the folder and the way out.
        """

    @abstractmethod
    def content(self) -> str:
        """Checksum (sha256, hexadecimal) of everything that images and labels are made from, absent images included.

        Raises:
            UsageError: a file on disk is not what it should be; the message names it and its sum.
        """

    def image_content(self) -> str:
        """Checksum of what the images alone are made from: features and leaks are kept by it, whatever the labels."""
        return self.content()

    @abstractmethod
    def __len__(self) -> int:
        """Number of items on the published list; their numbers are 0 .. len - 1."""

    def present(self) -> npt.NDArray[np.bool_]:
        """Bool [items]: whose image is on disk. The others are dropped from the index sets, counted and reported."""
        return np.ones(len(self), dtype=np.bool_)

    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of the label columns."""

    @abstractmethod
    def labels(self) -> npt.NDArray[np.bool_]:
        """Multi-hot [items, classes] of all items, relevance being a shared column."""

    def names(self, items: Items) -> list[str]:
        """What messages call the items: their files where they have some."""
        return [f"item {item}" for item in items.tolist()]

    @abstractmethod
    def images(self, items: Items) -> Images:
        """The items' images in their own size, uint8 with 1 or 3 channels; all of them are present.

        One tensor [n, channels, h, w], or a list of n tensors [channels, h, w] where sizes differ.

        Raises:
            UsageError: a file cannot be decoded; the message names it.
        """

    @abstractmethod
    def split(self) -> Split:
        """Index sets of :attr:`protocol`, drawn on the published list, absent images included."""

    def prepare(self, source: Path | None, log: Log) -> None:  # noqa: ARG002
        """Download, or adopt from the folder ``source``; check sums, write atomically, leave alone what is complete."""
        log(f"{self.title} needs no preparation")
