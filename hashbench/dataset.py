"""The contract of a data set and its protocols."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.errors import UsageError

Items = npt.NDArray[np.int64]
Images = Tensor | list[Tensor]
Report = Callable[[str], None]


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


class Dataset(ABC):
    """Images, labels and protocols. The file name is the data set's name on the command line.

    Attributes:
        title: what a caption calls it.
        source: citation or address of its origin, with the licence.
        protocols: the first is what the bare name means.
        features: default features.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    protocols: ClassVar[tuple[Protocol, ...]]
    features: ClassVar[str]

    def __init__(self, root: Path) -> None:
        """``root`` is the folder of all data sets; nothing is read yet."""
        self.root = root

    def require(self) -> None:  # noqa: B027 - a shipped data set needs nothing
        """Check that what the data set needs is on disk.

        Raises:
            UsageError: something is absent; the message names the folder and the way out.
        """

    @abstractmethod
    def content(self) -> str:
        """Checksum (sha256, hexadecimal) of everything that images and labels are made from.

        Raises:
            UsageError: a file on disk is not what it should be; the message names it and its sum.
        """

    @abstractmethod
    def __len__(self) -> int:
        """Number of items; their numbers are 0 .. len - 1, whatever the protocol."""

    @abstractmethod
    def classes(self, protocol: Protocol) -> tuple[str, ...]:
        """Names of the label columns."""

    @abstractmethod
    def labels(self, protocol: Protocol) -> npt.NDArray[np.bool_]:
        """Multi-hot [items, classes] of all items, relevance being a shared column."""

    @abstractmethod
    def images(self, items: Items) -> Images:
        """The items' images in their own size, uint8 with 1 or 3 channels.

        One tensor [n, channels, h, w], or a list of n tensors [channels, h, w] where sizes differ.
        """

    @abstractmethod
    def split(self, protocol: Protocol) -> Split:
        """Index sets of one of :attr:`protocols`."""

    def prepare(self, source: Path | None, report: Report) -> None:  # noqa: ARG002
        """Download, or adopt from the folder ``source``; check sums, write atomically, leave alone what is complete."""
        report(f"{self.title} needs no preparation")


def protocol_of(dataset: type[Dataset] | Dataset, name: str, dataset_name: str) -> Protocol:
    """The protocol called ``name``, or the first for "".

    Raises:
        UsageError: no such protocol, with those there are.
    """
    if not name:
        return dataset.protocols[0]
    for protocol in dataset.protocols:
        if protocol.name == name:
            return protocol
    known = ", ".join(f"{dataset_name}/{protocol.name}" for protocol in dataset.protocols)
    raise UsageError(f"no protocol {dataset_name}/{name} (there are: {known})")
