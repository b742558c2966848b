"""The contract of a pre-trained network: architecture, preprocessing, published weights."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from torch import nn

from hashbench.errors import UsageError
from hashbench.features.preprocessing import Preprocessing
from hashbench.util.progress import Log

Value = TypeVar("Value")  # a tensor, or its outline


class Pretrained(ABC):
    """A pre-trained network whose output is features.

    Attributes:
        name: the NAME of "--weights NAME=FILE".
        sizes: allowed sides of its input, in pixels.
        fitting_sums: of state dicts that are known to fit, so that nothing has to be built to check them.
    """

    name: str
    sizes: range
    fitting_sums: frozenset[str] = frozenset()

    def require(self) -> None:  # noqa: B027 - most need nothing
        """Check, without importing it, that what :meth:`build` needs is installed.

        Raises:
            UsageError: it is not; the message names the command that installs it.
        """

    @property
    @abstractmethod
    def preprocessing(self) -> Preprocessing:
        """The published preprocessing, at the network's own size."""

    def preprocessing_at(self, size: int | None) -> Preprocessing:
        """The preprocessing for images of ``size`` px, the published one for None."""
        return self.preprocessing.at(size)

    @abstractmethod
    def build(self) -> tuple[nn.Module, frozenset[str]]:
        """The network up to its features, without its weights, and the names of the tensors it left out.

        Leaves the global random generators alone.
        """

    def own_names(self, state: Mapping[str, Value]) -> dict[str, Value]:
        """A state dict under the names of :meth:`build`'s network; published weights may have others."""
        return dict(state)

    @abstractmethod
    def adapt(self, net: nn.Module, size: int) -> int:
        """Adapt ``net`` (built, with weights) to images of that size; returns the width of its features.

        Raises:
            UsageError: the network cannot read images of that size.
        """

    def folded(self, net: nn.Module) -> nn.Module:
        """``net`` (in eval mode) for features alone: equal up to rounding, perhaps faster, no longer trainable."""
        return net

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
