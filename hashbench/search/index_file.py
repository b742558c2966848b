"""The file of an index: its codes and their length as .safetensors."""

from pathlib import Path

import safetensors
import safetensors.numpy

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.util.files import replacing

ENDING = ".safetensors"
_KIND = "hashbench codes"
_TENSOR = "packed"


def write_codes(codes: Codes, file: Path) -> None:
    """Write codes to ``file``, whole or not at all; what was there is replaced.

    Raises:
        UsageError: the name has another ending, or the folder cannot be written to.
    """
    if file.suffix != ENDING:
        raise UsageError(f"index {str(file)!r} ends in {file.suffix!r}, wanted a name that ends in {ENDING}")
    try:
        with replacing(file) as work:
            safetensors.numpy.save_file({_TENSOR: codes.packed}, work, {"kind": _KIND, "bits": str(codes.bits)})
    except OSError as error:
        raise UsageError(f"index {file} cannot be written ({error.strerror or error}); name another folder") from error


def read_codes(file: Path) -> Codes:
    """The codes that :func:`write_codes` wrote.

    Raises:
        UsageError: there is no such file, or it is damaged or something else.
    """
    try:
        with safetensors.safe_open(file, framework="numpy") as content:
            facts = content.metadata() or {}
            if facts.get("kind") != _KIND:
                raise UsageError(f"{file} is no index; wanted a file that HammingIndex.save wrote")
            return Codes(content.get_tensor(_TENSOR), int(facts["bits"]))
    except UsageError:
        raise
    except OSError as error:
        raise UsageError(f"index {file} cannot be read ({error.strerror or error}); name another") from error
    except Exception as error:  # damaged files raise errors of several kinds
        raise UsageError(f"index {file} cannot be read ({error}); save it again") from error
