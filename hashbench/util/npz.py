"""Reading numpy archives that may be damaged."""

from collections.abc import Iterable
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]


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
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":  # numpy gives bytes of what is no array
            raise ValueError(f"{name} in it is no array of numbers")
    return arrays
