"""What a user gives to be encoded: vectors, images as an array, or image files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.data.file_options import split_options
from hashbench.data.image_tree import IMAGE_SUFFIXES, walk
from hashbench.data.vector_files import SUFFIXES, VectorFile
from hashbench.data.vector_formats import DTYPES
from hashbench.errors import UsageError
from hashbench.util.paths import cache_folder
from hashbench.util.progress import Log, no_log

ARRAY = ".npy"
OTHER_COLUMNS = ("queries", "labels")  # of a table, which are none of its vectors' dimensions
VECTOR_DTYPES = (*DTYPES, "float64")

NewItems = npt.NDArray[Any] | Tensor | Sequence[str | Path]
"""Float vectors [n, d], uint8 images [n, 1 or 3, h, w], or image files."""

Lists = Sequence[Sequence[Any]]
"""Vectors as lists of numbers, [n, d]."""


def as_new_items(x: NewItems | Lists) -> NewItems:
    """Lists of numbers as an array; image files and arrays as they are.

    Raises:
        UsageError: there is nothing, or the lists are not of one length or stand among files, or it is one file's name.
    """
    if isinstance(x, str | os.PathLike):  # of which a text would be taken for a list of its characters
        raise UsageError(
            f"got the name {str(x)!r}, wanted a list of image files, say [{str(x)!r}], or vectors [n, d] as numpy.load "
            "reads them"
        )
    if not isinstance(x, Sequence):
        return x
    if not x:
        raise UsageError("an empty list, wanted image files or lists of numbers")
    files = [Path(item) for item in x if isinstance(item, str | os.PathLike)]
    if len(files) == len(x):
        return files
    if files:
        raise UsageError(
            f"{len(files)} of {len(x)} items are files, wanted image files alone or lists of numbers alone"
        )
    try:
        return np.asarray(x)
    except ValueError:
        raise UsageError("lists of numbers of several lengths, wanted vectors [n, d]") from None


def read_items(source: Path, log: Log = no_log) -> npt.NDArray[Any] | list[Path]:
    """The array in a file, memory-mapped, or image files: the one that ``source`` is, or those of the folder.

    A folder's files are all that end in .jpg, .jpeg or .png, in the folders inside it too, in alphabetical order.

    Args:
        source: an image, a folder, or a file of vectors of the formats of :class:`VectorFile`, an .npy also of images
            or of float64; behind "?" the columns of a table that are no dimensions, "x.parquet?labels=kind".
        log: gets a line where vectors have to be copied to be read row by row.

    Raises:
        UsageError: there is nothing there, or nothing that can be encoded.
    """
    path, others = (source, {}) if source.exists() else split_options(source, OTHER_COLUMNS)
    if path.is_dir():
        names = [name for name in walk(path) if name.lower().endswith(IMAGE_SUFFIXES)]
        if not names:
            raise UsageError(f"the folder {path} holds no image ({', '.join(IMAGE_SUFFIXES)}); name another")
        return [path / name for name in names]
    if not path.is_file():
        raise UsageError(
            f"there is no file or folder {str(path)!r}; name an image, a folder of images or a file of vectors"
        )
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return [path]
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{path} ends in {path.suffix!r}, wanted an image ({', '.join(IMAGE_SUFFIXES)}), a folder of them, or a "
            f"file of vectors ({', '.join(SUFFIXES)}; {ARRAY} also of images)"
        )
    if path.suffix.lower() != ARRAY:
        return VectorFile(path, cache_folder(), log).vectors(without=others.values())
    array = _mapped(path)
    wanted = {2: VECTOR_DTYPES, 4: ("uint8",)}.get(array.ndim, ())
    if not array.size or array.dtype.name not in wanted:
        raise UsageError(
            f"{path} is {array.dtype} {list(array.shape)}, wanted vectors [n, d] of {', '.join(VECTOR_DTYPES)}, or "
            "uint8 images [n, 1 or 3, h, w], at least one"
        )
    return array


def file_names(items: Sequence[Path], source: Path) -> list[str]:
    """The paths of the image files that :func:`read_items` found in ``source``: from that folder on, a line each."""
    names = [(file.relative_to(source) if source.is_dir() else file).as_posix() for file in items]
    return [name.replace("\n", "\\n") for name in names]


def _mapped(path: Path) -> npt.NDArray[Any]:
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # damaged files make numpy raise errors of many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{path} cannot be read ({reason}); wanted an {ARRAY} of plain numbers") from None
    if not isinstance(loaded, np.ndarray):
        raise UsageError(f"{path} is an archive of several arrays; wanted an {ARRAY} of one")
    return loaded
