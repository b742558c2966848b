"""State dicts on disk: .pth as torch saves them, or .safetensors."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from hashbench.errors import UsageError

TRAINED = "encoder.net."  # begins the names of the network's own tensors in the kept state of a method on images


def read_state(file: Path) -> dict[str, Tensor]:
    """The tensors in ``file``, on the CPU, detached. Nothing but tensors is unpickled.

    Of a method's kept state ("results/records/....safetensors") only its encoder's network is taken, under the names
    the network itself has for them, so that a trained encoder can be used wherever published weights can.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    try:
        if file.suffix == ".safetensors":
            found = safetensors.torch.load_file(file)
        else:
            found = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"weights {file} cannot be read ({error.strerror or error})") from error
    except Exception as error:  # damaged files make torch and pickle raise errors of many kinds
        raise _no_state_dict(file, f"reading it fails with {type(error).__name__}") from error
    if not isinstance(found, Mapping) or not found:
        raise _no_state_dict(file, f"it holds a {type(found).__name__}")
    for name, value in found.items():
        if not isinstance(value, Tensor):
            raise _no_state_dict(file, f"{name!r} is a {type(value).__name__}")
    state = {str(name): value.detach() for name, value in found.items()}
    trained = {name.removeprefix(TRAINED): value for name, value in state.items() if name.startswith(TRAINED)}
    return trained or state


def state_sum(file: Path) -> str:
    """Sum (sha256, hexadecimal) over names, dtypes, shapes and bytes of what is read, sorted by name.

    The same weights have one sum, whatever the format of their file. Remembered while the file stays as it is.

    Raises:
        UsageError: see :func:`read_state`.
    """
    try:
        found = file.stat()
    except OSError as error:
        raise UsageError(f"weights {file} cannot be read ({error.strerror})") from error
    return _state_sum(file, found.st_size, found.st_mtime_ns)


@cache
def _state_sum(file: Path, size: int, changed: int) -> str:  # noqa: ARG001 - what the memory goes by
    total = hashlib.sha256()
    for name, value in sorted(read_state(file).items()):
        total.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        total.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def _no_state_dict(file: Path, why: str) -> UsageError:
    return UsageError(
        f"weights {file} are no state dict ({why}); wanted tensors by name, as "
        "torch.save(net.state_dict(), 'net.pth') or safetensors.torch.save_file write them"
    )
