"""Files of vectors: .npy, .npz, .safetensors, .parquet, .hdf5 and .fvecs, as arrays whose rows stay on disk."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from hashbench.data.vector_formats import DTYPES, FVECS, NPY, NPZ, SAFETENSORS, Array, Format, Source
from hashbench.data.vector_tables import HDF5, PARQUET
from hashbench.dataset import Items, Vectors
from hashbench.errors import UsageError
from hashbench.util.progress import Log

Result = TypeVar("Result")
_KINDS: dict[str, Format] = {
    ".npy": NPY,
    ".npz": NPZ,
    ".safetensors": SAFETENSORS,
    ".parquet": PARQUET,
    ".hdf5": HDF5,
    ".h5": HDF5,
    ".fvecs": FVECS,
}
SUFFIXES = tuple(_KINDS)


class StackedVectors(Vectors):
    """The rows of one array after the other, each [n, d] of the same dimension; values are as they are there."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.arrays = arrays
        self.shape = sum(map(len, arrays)), arrays[0].shape[1]
        self.dtype = np.result_type(*arrays)

    def __getitem__(self, items: Items) -> Array:
        first = len(self.arrays[0])
        if len(self.arrays) == 1 or not (items >= first).any():
            return np.asarray(self.arrays[0][items])
        rows = np.empty((len(items), self.shape[1]), dtype=self.dtype)
        second = items >= first
        rows[second] = StackedVectors(self.arrays[1:])[items[second] - first]
        rows[~second] = self.arrays[0][items[~second]]
        return rows


class VectorFile(Source):
    """A file of vectors and, if it has more arrays or columns, what else it holds, by name.

    Args:
        path, cache, log: see :class:`hashbench.data.vector_formats.Source`.

    Raises:
        UsageError: it is not there, or its kind is not known.
    """

    def __init__(self, path: Path, cache: Path, log: Log) -> None:
        super().__init__(path, cache, log)
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is not there"
            raise UsageError(f"the file of vectors {path} {what}; name one of {', '.join(SUFFIXES)}")
        if path.suffix.lower() not in _KINDS:
            raise UsageError(f"{path} ends in {path.suffix!r}, wanted a file of vectors: {', '.join(SUFFIXES)}")
        self._kind = _KINDS[path.suffix.lower()]

    def vectors(self, name: str | None = None, without: Iterable[str] = ()) -> Array:
        """The vectors [n, d], memory-mapped and read-only.

        Args:
            name: of the array or column; by default the only one that can be meant.
            without: columns of a table that are none of their dimensions.

        Raises:
            UsageError: it cannot be read, or has no such array, several, or one of another dtype or shape.
        """
        array = self._read(lambda: self._kind.vectors(self, name, frozenset(without)))
        if array.ndim != 2 or array.dtype.name not in DTYPES or not array.size:
            way_out = "; save it as float32: numpy.save(FILE, vectors.astype('float32'))" if array.ndim == 2 else ""
            raise UsageError(
                f"{self.path} has vectors of {array.dtype} {list(array.shape)}, wanted [n, d] of {', '.join(DTYPES)}"
                + (way_out if array.size else "")
            )
        return array

    def column(self, name: str) -> Array:
        """Another array of the file: a value for each vector [n], or other vectors [q, d].

        Raises:
            UsageError: there is none of that name.
        """
        return self._read(lambda: self._kind.column(self, name))

    def array(self) -> Array:
        """The one array of a .npy file, whatever it holds.

        Raises:
            UsageError: it is no .npy file, or cannot be read.
        """
        if self._kind is not NPY:
            raise UsageError(f"{self.path} ends in {self.path.suffix!r}, wanted .npy")
        return self._read(lambda: NPY.vectors(self, None, frozenset()))

    def stated_distance(self) -> str:
        """What the file says of the distance, in its own words ("angular"); empty where it says nothing."""
        return self._read(lambda: self._kind.distance(self))

    def names(self) -> list[str]:
        """Names of its arrays or columns; empty where they have none."""
        return self._read(lambda: self._kind.names(self))

    def _read(self, read: Callable[[], Result]) -> Result:
        try:
            return read()
        except UsageError:
            raise
        except Exception as error:  # readers raise errors of many kinds
            line = str(error).partition("\n")[0] or type(error).__name__
            raise UsageError(f"{self.path} cannot be read ({line}); wanted {self._kind.wanted}") from error
