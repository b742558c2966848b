"""Weights of pre-trained networks, from the user's files or else the published ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from hashbench.errors import UsageError
from hashbench.features.networks import network
from hashbench.features.state_dicts import Outline, read_state, summarise_state
from hashbench.util.progress import Log, no_log


@dataclass(frozen=True)
class Weights:
    """State dicts by the network's name ("squeezenet1_1", "timm:vit_small_patch16_224").

    Attributes:
        files: the user's files: state dicts, or recorded states of methods that trained the network.
        offline: never download.
        log: gets lines of progress, before a download its address and size.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    offline: bool = False
    log: Log = no_log

    def file(self, name: str) -> Path:
        """The user's file, else the published one, which is downloaded if it is missing.

        Raises:
            UsageError: no such network, or no weights; the message names the ways out.
        """
        return self.files[name] if name in self.files else network(name).published_file(self.offline, self.log)

    def state(self, name: str) -> dict[str, Tensor]:
        """The state dict, read from disk at each call.

        Raises:
            UsageError: see :meth:`file`; or the file is not a state dict.
        """
        return read_state(self.file(name), self.log)

    def sum(self, name: str) -> str:
        """Checksum (sha256, hexadecimal) of the state dict, see :class:`hashbench.features.state_dicts.StateSummary`.

        Raises:
            UsageError: see :meth:`state`.
        """
        return summarise_state(self.file(name), self.log).sha256

    def outlines(self, name: str) -> dict[str, Outline]:
        """What the state dict's tensors are; read together with :meth:`sum`, so the file is read once for both.

        Raises:
            UsageError: see :meth:`state`.
        """
        return summarise_state(self.file(name), self.log).outlines


def parse_weights(pairs: Iterable[str]) -> dict[str, Path]:
    """``NAME=FILE`` strings as {name of a network: absolute path}.

    Raises:
        UsageError: another form, no network of that name, a name given twice, or no such file.
    """
    files: dict[str, str] = {}
    for pair in pairs:
        name, equals, file = (part.strip() for part in pair.partition("="))
        if not (name and equals and file):
            raise UsageError(f"weights are {pair!r}, wanted NAME=FILE, say resnet50=/home/me/resnet50.pth")
        if name in files:
            raise UsageError(f"weights of {name!r} are given twice, {files[name]!r} and {file!r}; give one")
        files[name] = file
    return checked_weights(files)


def checked_weights(files: Mapping[str, str | Path]) -> dict[str, Path]:
    """The same files with absolute paths.

    Raises:
        UsageError: no network of a name, or no such file.
    """
    paths: dict[str, Path] = {}
    for name, file in files.items():
        network(name)
        paths[name] = Path(file).expanduser().absolute()
        if not paths[name].is_file():
            raise UsageError(f"weights of {name!r}: there is no file {str(file)!r}")
    return paths
