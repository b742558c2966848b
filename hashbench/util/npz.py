"""Numpy archives: read though they may be damaged, written without pickles."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]
NUMBERS = "biuf"  # kinds of dtypes


def read_npz(file: Path | BinaryIO, names: Iterable[str] | None = None) -> Arrays:
    """The arrays of an archive that :func:`numpy.savez` wrote, by name; never a pickle.

    Args:
        file: the archive, or an open stream of it.
        names: the wanted arrays; by default all. Others are not read.

    Raises:
        ValueError: it is damaged, lacks one of ``names``, or holds something else than numbers; in one line.
        OSError: it cannot be opened.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in (archive.files if names is None else names)}
    except OSError:
        raise
    except (TokenError, OverflowError, RecursionError):
        raise ValueError("the header of an array is damaged") from None
    except Exception as error:  # damaged archives make numpy and zipfile raise errors of many kinds
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in NUMBERS:
            raise ValueError(f"{name} in it is no array of numbers")
    return arrays


def write_npz(file: BinaryIO, arrays: Mapping[str, npt.NDArray[Any]], compressed: bool = True) -> None:
    """Write an archive that :func:`read_npz` reads.

    Raises:
        ValueError: an array holds something else than numbers: objects, which numpy would pickle, or text.
        OSError: it cannot be written.
    """
    for name, array in arrays.items():
        if array.dtype.kind not in NUMBERS:
            raise ValueError(f"{name} is no array of numbers")
    write = np.savez_compressed if compressed else np.savez
    write(file, **arrays)  # type: ignore[arg-type]
