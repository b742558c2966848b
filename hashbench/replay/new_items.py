"""What a user gives to be encoded: vectors, images as an array, or image files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.data.image_tree import IMAGE_SUFFIXES, walk
from hashbench.errors import UsageError

ARRAY = ".npy"

NewItems = npt.NDArray[Any] | Tensor | Sequence[str | Path]
"""Float vectors [n, d], uint8 images [n, 1 or 3, h, w], or image files."""


def read_items(path: Path) -> npt.NDArray[Any] | list[Path]:
    """The array in an .npy file, memory-mapped, or image files: the one that ``path`` is, or those of the folder.

    A folder's files are all that end in .jpg, .jpeg or .png, in the folders inside it too, in alphabetical order.

    Raises:
        UsageError: there is nothing there, or nothing that can be encoded.
    """
    if path.is_dir():
        names = [name for name in walk(path) if name.lower().endswith(IMAGE_SUFFIXES)]
        if not names:
            raise UsageError(f"the folder {path} holds no image ({', '.join(IMAGE_SUFFIXES)}); name another")
        return [path / name for name in names]
    if not path.is_file():
        raise UsageError(f"there is no file or folder {str(path)!r}; name an image, a folder of images or an {ARRAY}")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return [path]
    if path.suffix != ARRAY:
        raise UsageError(
            f"{path} ends in {path.suffix!r}, wanted an image ({', '.join(IMAGE_SUFFIXES)}), a folder of them, or an "
            f"{ARRAY} of vectors or images"
        )
    array = _mapped(path)
    if array.ndim not in (2, 4) or not array.size or (array.ndim == 4) != (array.dtype == np.uint8):
        raise UsageError(
            f"{path} is {array.dtype} {list(array.shape)}, wanted vectors [n, d] of float32, float64 or float16, or "
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
