"""Reads state dicts: .pth as torch saves them, or .safetensors."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hashbench.errors import UsageError
from hashbench.features.state_files import no_state_dict, read_content
from hashbench.util.progress import Log, no_log

PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.")
"""What wrappers put before all names of a network: DataParallel, torch.compile, Lightning and others."""
NESTED = ("state_dict", "model_state_dict", "model")
"""Where checkpoints have the state dict, beside the epoch and the optimiser's."""
ENCODER_PREFIX = "encoder.net."  # of the network's tensors in a recorded state of a method on images

_said: set[str] = set()


class Outline(NamedTuple):
    """What a tensor is, without its numbers: its shape, and whether they are floating-point numbers."""

    shape: torch.Size
    floating: bool


def outlines(state: Mapping[str, Tensor]) -> dict[str, Outline]:
    """Those of a state dict's tensors, by name."""
    return {name: Outline(value.shape, value.is_floating_point()) for name, value in state.items()}


class StateSummary(NamedTuple):
    """Checksum and outlines of a state dict.

    Attributes:
        sha256: checksum (hexadecimal) of names, dtypes, shapes and bytes, sorted by name: the same weights have the
            same sum, whatever the format of their file.
        outlines: of the tensors, by name.
    """

    sha256: str
    outlines: dict[str, Outline]


def read_state(file: Path, log: Log = no_log) -> dict[str, Tensor]:
    """The tensors in ``file``, on the CPU, detached. Unpickles nothing but tensors.

    Of a checkpoint it takes the one state dict inside (:data:`NESTED`), and prefixes that all names begin with
    (:data:`PREFIXES`) are taken off; a line to ``log`` says so. From a method's recorded state
    ("results/records/....safetensors") it takes the encoder's network alone, under the network's own names, so that a
    trained encoder can be used wherever published weights can.

    Raises:
        UsageError: the file cannot be read, or is not a state dict.
    """
    state, note = _read(file)
    _say_once(note, log)
    return state


def summarise_state(file: Path, log: Log = no_log) -> StateSummary:
    """Checksum and outlines of what :func:`read_state` returns; remembered while size and time of the file stay.

    Raises:
        UsageError: see :func:`read_state`.
    """
    try:
        status = file.stat()
    except OSError as error:
        raise UsageError(f"weights {file} cannot be read ({error.strerror})") from error
    summary, note = _summary(file, status.st_size, status.st_mtime_ns)
    _say_once(note, log)
    return summary


@cache
def _summary(file: Path, size: int, changed: int) -> tuple[StateSummary, str]:  # noqa: ARG001 - the cache's key
    (state, note), total = _read(file), hashlib.sha256()
    for name, value in sorted(state.items()):
        total.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        total.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return StateSummary(total.hexdigest(), outlines(state)), note


def _read(file: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors of :func:`read_state`, and a line on what they were taken out of, or nothing."""
    content, notes = _state_inside(file, read_content(file))
    state = {}
    for name, value in content.items():
        if not isinstance(value, Tensor):
            raise no_state_dict(file, f"{name!r} is a {type(value).__name__}")
        if value.layout != torch.strided or value.is_meta:
            raise no_state_dict(file, f"{name!r} is {'without values' if value.is_meta else 'sparse'}")
        state[str(name)] = value.detach()
    trained = {
        name.removeprefix(ENCODER_PREFIX): value for name, value in state.items() if name.startswith(ENCODER_PREFIX)
    }
    if trained:
        return trained, ""
    prefix = _common_prefix(state)
    if prefix:
        notes.append(f"{prefix!r} off all names")
    plain = {name.removeprefix(prefix): value for name, value in state.items()}
    return plain, f"weights {file}: took {' and '.join(notes)}" if notes else ""


def _state_inside(file: Path, content: object) -> tuple[Mapping[Any, object], list[str]]:
    """A file's content, or the one state dict of a checkpoint, and what was taken."""
    if not isinstance(content, Mapping) or not content:
        raise no_state_dict(file, f"it holds a {type(content).__name__}")
    inside = [name for name in NESTED if isinstance(content.get(name), Mapping) and content[name]]
    if not inside:
        return content, []
    if len(inside) > 1:
        raise no_state_dict(file, f"it holds several: {', '.join(map(repr, inside))}; save the one that is meant")
    return content[inside[0]], [f"{inside[0]!r} out of {len(content)} entries"]


def _common_prefix(names: Iterable[str]) -> str:
    """What of :data:`PREFIXES`, one behind the other, all names begin with."""
    left, taken = list(names), ""
    while True:
        found = next((each for each in PREFIXES if all(len(n) > len(each) and n.startswith(each) for n in left)), None)
        if found is None:
            return taken
        taken, left = taken + found, [name.removeprefix(found) for name in left]


def _say_once(line: str, log: Log) -> None:
    """Log a line once in a process: sums, outlines and tensors are read one after the other."""
    if line and log is not no_log and line not in _said:
        _said.add(line)
        log(line)
