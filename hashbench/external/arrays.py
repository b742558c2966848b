"""Reads arrays of codes, labels and items from the user's files: one .npz, an .npy for each, or some of both."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.errors import UsageError
from hashbench.util.files import file_sum

Array = npt.NDArray[Any]
CODES = ("query_codes", "database_codes")
NAMES = (*CODES, "query_labels", "database_labels", "query_items", "database_items")


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
    arrays: dict[str, Array] = {}
    sums: dict[str, str] = {}
    if archive is not None:
        loaded = _load(archive)
        if isinstance(loaded, np.ndarray):
            raise UsageError(
                f"{archive} holds one array; give it with the option of its kind, say --query-codes {archive}, or an "
                f".npz with {', '.join(CODES)}"
            )
        arrays, sums[archive.name] = loaded, file_sum(archive)
    for name, file in separate.items():
        if name in arrays:
            raise UsageError(f"{name} are in {archive} and in {file} ({option(name)}); leave one of them out")
        loaded = _load(file)
        if not isinstance(loaded, np.ndarray):
            raise UsageError(f"{option(name)} names {file}, an archive of several arrays; give it without an option")
        arrays[name], sums[name] = loaded, file_sum(file)
    values = {name: arrays[name] for name in NAMES if name in arrays}
    return Arrays(values, sums, tuple(sorted(arrays.keys() - values.keys())))


def _load(file: Path) -> Array | dict[str, Array]:
    """The array of an .npy file, or those of an .npz file by name; never a pickle."""
    try:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise UsageError(f"there is no file {str(file)!r}; name an .npz or .npy file of codes") from None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        pickled = "Object arrays" in str(error) or "pickled" in str(error)
        why = "it is pickled, or no file of numpy's" if pickled else str(error)
        raise UsageError(
            f"{file} cannot be read ({why}); wanted an .npz or .npy file of plain numbers, as numpy.savez writes it"
        ) from None
