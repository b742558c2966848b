"""The contract of a pre-trained network: architecture, preprocessing, published weights."""

from abc import ABC, abstractmethod
from pathlib import Path

from torch import nn

from hashbench.errors import UsageError
from hashbench.features.preprocessing import Preprocessing
from hashbench.util.progress import Log


class Pretrained(ABC):
    """A pre-trained network whose output is features.

    Attributes:
        name: the NAME of "--weights NAME=FILE".
        sizes: allowed sides of its input, in pixels.
    """

    name: str
    sizes: range

    @property
    @abstractmethod
    def preprocessing(self) -> Preprocessing:
        """The published preprocessing, at the network's own size."""

    @abstractmethod
    def build(self) -> tuple[nn.Module, frozenset[str]]:
        """The network up to its features, without its weights, and the names of the tensors it left out.

        Leaves the global random generators alone.
        """

    @abstractmethod
    def adapt(self, net: nn.Module, size: int) -> int:
        """Adapt ``net`` (built, with weights) to images of that size; returns the width of its features.

        Raises:
            UsageError: the network cannot read images of that size.
        """

    @abstractmethod
    def published_file(self, offline: bool, log: Log) -> Path:
        """The file of its published weights on this machine; downloaded if it is missing and ``offline`` is False.

        Raises:
            UsageError: it is missing and cannot be downloaded; the message names the ways out.
        """

    def no_weights(self, why: str, remedy: str) -> UsageError:
        """The error for missing weights: ``why`` they are missing, and a ``remedy`` ("put FILE into FOLDER")."""
        return UsageError(f"no weights for {self.name!r}: {why}; {self.ways_out(remedy)}")

    def ways_out(self, remedy: str) -> str:
        """Advice for a user without the weights."""
        return f"name a file with --weights {self.name}=FILE, {remedy}, or take other features, say --features gist"
