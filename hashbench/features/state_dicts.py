"""Reads state dicts: .pth as torch saves them, or .safetensors."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
import torch
from torch import Tensor

from hashbench.errors import UsageError

ENCODER_PREFIX = "encoder.net."  # of the network's tensors in a recorded state of a method on images


class StateSummary(NamedTuple):
    """Checksum and shapes of a state dict.

    Attributes:
        sha256: checksum (hexadecimal) of names, dtypes, shapes and bytes, sorted by name: the same weights have the
            same sum, whatever the format of their file.
        shapes: of the tensors, by name.
    """

    sha256: str
    shapes: dict[str, torch.Size]


def read_state(file: Path) -> dict[str, Tensor]:
    """The tensors in ``file``, on the CPU, detached. Unpickles nothing but tensors.

    From a method's recorded state ("results/records/....safetensors") it takes the encoder's network alone, under the
    network's own names, so that a trained encoder can be used wherever published weights can.

    Raises:
        UsageError: the file cannot be read, or is not a state dict.
    """
    try:
        if file.suffix == ".safetensors":
            content = safetensors.torch.load_file(file)
        else:
            content = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"weights {file} cannot be read ({error.strerror or error})") from error
    except Exception as error:  # damaged files make torch and pickle raise errors of many kinds
        raise _no_state_dict(file, f"reading it fails with {type(error).__name__}") from error
    if not isinstance(content, Mapping) or not content:
        raise _no_state_dict(file, f"it holds a {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(value, Tensor):
            raise _no_state_dict(file, f"{name!r} is a {type(value).__name__}")
    state = {str(name): value.detach() for name, value in content.items()}
    trained = {
        name.removeprefix(ENCODER_PREFIX): value for name, value in state.items() if name.startswith(ENCODER_PREFIX)
    }
    return trained or state


def summarise_state(file: Path) -> StateSummary:
    """Checksum and shapes of what :func:`read_state` returns; remembered while size and time of the file stay.

    Raises:
        UsageError: see :func:`read_state`.
    """
    try:
        status = file.stat()
    except OSError as error:
        raise UsageError(f"weights {file} cannot be read ({error.strerror})") from error
    return _summary(file, status.st_size, status.st_mtime_ns)


@cache
def _summary(file: Path, size: int, changed: int) -> StateSummary:  # noqa: ARG001 - part of the cache's key
    state, total = read_state(file), hashlib.sha256()
    for name, value in sorted(state.items()):
        total.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        total.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return StateSummary(total.hexdigest(), {name: value.shape for name, value in state.items()})


def _no_state_dict(file: Path, why: str) -> UsageError:
    return UsageError(
        f"weights {file} are no state dict ({why}); wanted tensors by name, as "
        "torch.save(net.state_dict(), 'net.pth') or safetensors.torch.save_file write them"
    )
