"""Reads arrays of codes, labels and items from the user's files: one .npz, an .npy for each, or some of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.errors import UsageError
from hashbench.util.files import file_sum

Array = npt.NDArray[Any]
CODES = ("query_codes", "database_codes")
OUTPUTS = "query_outputs"  # real numbers of which the queries' bits are the signs
NAMES = (*CODES, "query_labels", "database_labels", "query_items", "database_items", OUTPUTS)


@dataclass(frozen=True)
class Arrays:
    """Arrays as they were read; what they hold is not checked yet.

    Attributes:
        values: by one of :data:`NAMES`; both codes are there.
        sums: sha256 of the files they came from, by the archive's file name or the array's.
        unread: names of other arrays that the archive has.

    Raises:
        UsageError: codes are missing.
    """

    values: Mapping[str, Array]
    sums: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in CODES:
            if name not in self.values:
                there = ", ".join([*self.values, *self.unread]) or "none"
                raise UsageError(
                    f"no {name} among the arrays (there are: {there}); give an .npz that has query_codes and "
                    f"database_codes, or an .npy with {option(name)}"
                )


def option(name: str) -> str:
    """How the command line calls the file of one array: "--query-codes"."""
    return f"--{name.replace('_', '-')}"


def read_arrays(archive: Path | None, separate: Mapping[str, Path]) -> Arrays:
    """Read an .npz of arrays called as in :data:`NAMES`, and .npy files of one array each.

    Args:
        archive: the .npz; None where each array has a file of its own.
        separate: files of single arrays, by the array's name.

    Raises:
        UsageError: a file is not there, is damaged or pickled, or an array is given twice or missing.
    """
    values: dict[str, Array] = {}
    sums: dict[str, str] = {}
    unread: tuple[str, ...] = ()
    if archive is not None:
        loaded = _load(archive)
        if isinstance(loaded, np.ndarray):
            raise UsageError(
                f"{archive} holds one array; give it with the option of its kind, say --query-codes {archive}, or an "
                f".npz with {', '.join(CODES)}"
            )
        (values, unread), sums[archive.name] = loaded, file_sum(archive)
    for name, file in separate.items():
        if name in values:
            raise UsageError(f"{name} are in {archive} and in {file} ({option(name)}); leave one of them out")
        loaded = _load(file)
        if not isinstance(loaded, np.ndarray):
            raise UsageError(f"{option(name)} names {file}, an archive of several arrays; give it without an option")
        values[name], sums[name] = loaded, file_sum(file)
    return Arrays({name: values[name] for name in NAMES if name in values}, sums, unread)


def _load(file: Path) -> Array | tuple[dict[str, Array], tuple[str, ...]]:
    """The array of an .npy file, or of an .npz those called as in :data:`NAMES` and names of others; never a pickle."""
    try:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return _members(loaded), tuple(sorted(set(loaded.files) - set(NAMES)))
    except FileNotFoundError:
        raise UsageError(f"there is no file {str(file)!r}; name an .npz or .npy file of codes") from None
    except Exception as error:  # damaged files make numpy and zipfile raise errors of many kinds
        pickled = "Object arrays" in str(error) or "pickled" in str(error)
        why = "it is pickled, or no file of numpy's" if pickled else _cause(error)
        raise UsageError(
            f"{file} cannot be read ({why}); wanted an .npz or .npy file of plain numbers, as numpy.savez writes it"
        ) from None


def _members(archive: Mapping[str, Any]) -> dict[str, Array]:
    found = {name: archive[name] for name in NAMES if name in archive}
    for name, value in found.items():
        if not isinstance(value, np.ndarray):  # numpy gives the bytes of what is no array
            raise ValueError(f"{name} in it is no array of numpy's")
    return found


def _cause(error: Exception) -> str:
    if isinstance(error, (TokenError, OverflowError, RecursionError)):
        return "its header is damaged"
    if isinstance(error, MemoryError):
        return f"its header claims more than memory holds: {error}"
    return " ".join(str(error).split()) or type(error).__name__
