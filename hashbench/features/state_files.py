"""Reads what torch and safetensors save, and says what a file is that is neither. Unpickles nothing but tensors."""

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from hashbench.errors import UsageError

WANTED = "wanted tensors by name, as torch.save(net.state_dict(), 'net.pth') or safetensors.torch.save_file write them"
_HEAD_BYTES = 512
_LONGEST_HEADER = 100_000_000  # bytes, of a .safetensors file
_ZIP, _HDF, _GZIP = b"PK\x03\x04", b"\x89HDF", b"\x1f\x8b"
_CLASS = re.compile(r"(?:GLOBAL|global:?|class:?) ([A-Za-z_][\w]*(?:\.\w+)+)")


def read_content(file: Path) -> Any:
    """Whatever a file has: of .safetensors, whatever its name, the tensors by name.

    Raises:
        UsageError: it cannot be read, or holds more than tensors and plain values; the line says what it is.
    """
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
        if _is_safetensors(head) or (file.suffix == ".safetensors" and not head.startswith(_ZIP)):
            return safetensors.torch.load_file(file)
        with warnings.catch_warnings(), file.open("rb") as stream:  # a name would make torch take the ending's word
            warnings.simplefilter("ignore")  # of archives and protocols that are refused all the same
            return torch.load(stream, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"weights {file} cannot be read ({error.strerror or error})") from error
    except Exception as error:  # damaged files make torch and pickle raise errors of many kinds
        raise no_state_dict(file, _cause(file, head, error)) from error


def no_state_dict(file: Path, why: str) -> UsageError:
    """The error for a file that has no tensors by name, with the cause first."""
    return UsageError(f"weights {file} are no state dict ({why}); {WANTED}")


def _is_safetensors(head: bytes) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < _LONGEST_HEADER


def _cause(file: Path, head: bytes, error: Exception) -> str:
    """What a file is that could not be read, by its first bytes and by the error."""
    text = head.lstrip().lower()
    if not head:
        return "it is empty"
    if text.startswith((b"<!doctype html", b"<html", b"<?xml", b"<")):
        return "it is a web page, saved in place of the file: download the file itself"
    if text.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS, not the file: run git lfs pull where it is from"
    for beginning, kind in ((_HDF, "an HDF5 file"), (_GZIP, "compressed by gzip: unpack it"), (b"{", "text (JSON)")):
        if head.startswith(beginning):
            return f"it is {kind}"
    if head.startswith(_ZIP) and not zipfile.is_zipfile(file):
        return "its end is missing, as after a download that was cut off"
    return _cause_of_error(str(error), type(error).__name__)


def _cause_of_error(message: str, kind: str) -> str:
    if "TorchScript" in message:
        return "it is a TorchScript program: save torch.jit.load(file).state_dict()"
    pickled = _CLASS.search(message)
    if pickled:
        return (
            f"it has a pickled {pickled[1]}, and reading that runs code: save the state_dict() of its network where "
            "it was made"
        )
    if any(words in message for words in ("EOF", "incomplete metadata", "MetadataIncompleteBuffer")):
        return "its end is missing, as after a download that was cut off"
    first = message.strip().splitlines()[0] if message.strip() else ""
    if kind == "RuntimeError" and first:
        return f"it cannot be read: {first}"
    return "it is no file of torch's or safetensors"
