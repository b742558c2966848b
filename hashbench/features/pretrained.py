"""The contract of a pre-trained network: architecture, preprocessing, and where its published weights are."""

from abc import ABC, abstractmethod
from pathlib import Path

from torch import nn

from hashbench.dataset import Log
from hashbench.errors import UsageError
from hashbench.features.preprocessing import Preprocessing


class Pretrained(ABC):
    """A network that answers with features.

    Attributes:
        name: as in "--weights NAME=FILE".
        sizes: sides of its input, in pixels, that may be asked for.
    """

    name: str
    sizes: range

    @property
    @abstractmethod
    def preprocessing(self) -> Preprocessing:
        """The published one, at the network's own size."""

    @abstractmethod
    def build(self) -> tuple[nn.Module, frozenset[str]]:
        """The network up to its features, to be given its weights, and the names of the tensors it left out.

        No global random generator is touched.
        """

    @abstractmethod
    def adapt(self, net: nn.Module, size: int) -> int:
        """Have ``net`` (built, with weights) read images of that size; answers with the width of its features.

        Raises:
            UsageError: it cannot.
        """

    @abstractmethod
    def published(self, offline: bool, log: Log) -> Path:
        """The file of its published weights on this machine, downloaded first where it may be.

        Raises:
            UsageError: it is not here and cannot be downloaded; names the ways out.
        """

    def no_weights(self, why: str, place: str) -> UsageError:
        """The error for absent weights: ``why`` they are, and at which ``place`` a file would be found."""
        return UsageError(f"no weights for {self.name!r}: {why}; {self.ways_out(place)}")

    def ways_out(self, place: str) -> str:
        """What a user can do without a network."""
        return f"name a file with --weights {self.name}=FILE, {place}, or take other features, say --features gist"
