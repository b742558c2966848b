"""Formats of files of vectors whose rows numpy reads where they lie: .npy, .npz, .safetensors and .fvecs."""

import hashlib
import json
import shutil
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import MAGIC_PREFIX

from hashbench.data.checksums import cached_checksums
from hashbench.errors import UsageError
from hashbench.util.files import replacing
from hashbench.util.progress import Log
from hashbench.util.storage import make_folder

DTYPES = ("float16", "float32", "int8", "uint8")
BATCH_BYTES = 1 << 26  # of rows that are copied at a time
MAX_HEADER_BYTES = 100 << 20  # of .safetensors, as its own library has it
_SAFETENSORS = {
    "F16": "<f2",
    "F32": "<f4",
    "I8": "i1",
    "U8": "u1",
    "F64": "<f8",
    "I32": "<i4",
    "I64": "<i8",
    "BOOL": "?",
}

Array = npt.NDArray[Any]


class Source:
    """A file, and the cache for what cannot be mapped where it lies: copied there once, by the file's checksum.

    Args:
        path: the file.
        cache: the cache's folder.
        log: gets lines of progress.
    """

    def __init__(self, path: Path, cache: Path, log: Log) -> None:
        self.path, self.cache, self.log = path, cache, log

    def sum(self) -> str:
        """Checksum of its bytes, hexadecimal; read once while it does not change."""
        return cached_checksums(self.path.parent, [self.path.name], self.cache, self.log)[0]

    def copied(self, name: str, write: Callable[[Path], None]) -> Array:
        """The array that ``write`` writes as .npy, in the cache, memory-mapped; written once for each content.

        One of another size than its array is written again.
        """
        target = self.cache / "vectors" / f"{self.sum()}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.npy"
        if not (target.is_file() and _is_whole(target)):
            self.log(f"{self.path}: its vectors are copied to {target}, where rows can be read one by one")
            make_folder(target.parent)
            with replacing(target) as work:
                write(work)
        array: Array = np.load(target, mmap_mode="r", allow_pickle=False)
        return array

    def absent(self, name: str, names: Sequence[str]) -> UsageError:
        """The error for a name that it does not have."""
        return UsageError(f"{self.path} has nothing called {name!r} (there are: {', '.join(names) or 'no names'})")


@dataclass(frozen=True)
class Format:
    """How files of one kind are read.

    Attributes:
        wanted: what such a file has to be, for messages.
        vectors: the vectors [n, d] of a file: the array of a name, or the only one that can be meant without some.
        column: another array of the file by its name.
        names: names of all its arrays.
        distance: what it says of the distance, in its own words; empty where it says nothing.
    """

    wanted: str
    vectors: Callable[[Source, str | None, frozenset[str]], Array]
    column: Callable[[Source, str], Array]
    names: Callable[[Source], list[str]]
    distance: Callable[[Source], str] = lambda _file: ""


def _npy_vectors(file: Source, name: str | None, without: frozenset[str]) -> Array:  # noqa: ARG001
    with file.path.open("rb") as stream:
        if stream.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:  # of which numpy says that it is pickled
            raise UsageError(f"{file.path} is no .npy file, wanted {NPY.wanted}")
    array: Array = np.load(file.path, mmap_mode="r", allow_pickle=False)
    return array


def _npy_column(file: Source, name: str) -> Array:
    raise file.absent(name, [])


def _npy_names(file: Source) -> list[str]:  # noqa: ARG001
    return []


def _is_whole(copy: Path) -> bool:
    """Whether a .npy file has the bytes of its array and no others."""
    try:
        array = np.load(copy, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return bool(array.offset + array.nbytes == copy.stat().st_size)


def _npz_vectors(file: Source, name: str | None, without: frozenset[str]) -> Array:
    shapes = {}
    with zipfile.ZipFile(file.path) as archive:
        for member in archive.namelist():
            with archive.open(member) as stream:
                shapes[member.removesuffix(".npy")] = _npy_shape(stream)
    chosen = the_one(file, name, {key for key, shape in shapes.items() if len(shape) == 2} - without, list(shapes))

    def write(work: Path) -> None:
        with (
            zipfile.ZipFile(file.path) as archive,
            archive.open(f"{chosen}.npy") as source,
            work.open("wb") as copy,
        ):
            shutil.copyfileobj(source, copy, BATCH_BYTES)

    return file.copied(chosen, write)


def _npz_column(file: Source, name: str) -> Array:
    with np.load(file.path, allow_pickle=False) as arrays:
        if name not in arrays.files:
            raise file.absent(name, arrays.files)
        array: Array = arrays[name]
    return array


def _npz_names(file: Source) -> list[str]:
    with np.load(file.path, allow_pickle=False) as arrays:
        return list(arrays.files)


def _safetensors_vectors(file: Source, name: str | None, without: frozenset[str]) -> Array:
    header, _ = _safetensors_header(file.path)
    matrices = {key for key, entry in header.items() if len(entry["shape"]) == 2}
    return _safetensors_column(file, the_one(file, name, matrices - without, list(header)))


def _safetensors_column(file: Source, name: str) -> Array:
    header, start = _safetensors_header(file.path)
    if name not in header:
        raise file.absent(name, list(header))
    entry = header[name]
    if entry["dtype"] not in _SAFETENSORS:
        raise UsageError(f"{file.path}: {name} is {entry['dtype']}, wanted {', '.join(DTYPES)}")
    where = start + entry["data_offsets"][0]
    return np.memmap(file.path, dtype=_SAFETENSORS[entry["dtype"]], mode="r", offset=where, shape=tuple(entry["shape"]))


def _safetensors_names(file: Source) -> list[str]:
    return list(_safetensors_header(file.path)[0])


def _fvecs_vectors(file: Source, name: str | None, without: frozenset[str]) -> Array:  # noqa: ARG001
    with file.path.open("rb") as stream:
        head = stream.read(4)
    size, dimension = file.path.stat().st_size, struct.unpack("<i", head)[0] if len(head) == 4 else 0
    if dimension < 1 or size % (4 * (dimension + 1)):
        raise ValueError(f"{size:,} bytes are no rows of {dimension} numbers")
    rows = np.memmap(file.path, dtype="<i4", mode="r", shape=(size // (4 * (dimension + 1)), dimension + 1))
    other = np.flatnonzero(rows[:, 0] != dimension)
    if len(other):
        raise ValueError(f"row {other[0]:,} has {rows[other[0], 0]} numbers, the first row {dimension}")
    array: Array = rows.view("<f4")[:, 1:]
    return array


def the_one(file: Source, name: str | None, matrices: set[str], names: Sequence[str]) -> str:
    """The name of the vectors: the one asked for, or that of the only matrix.

    Args:
        file: for messages.
        name: what was asked for, or None.
        matrices: what can be meant.
        names: all that the file has.

    Raises:
        UsageError: there is none of that name, no matrix, or several.
    """
    if name is not None and name in matrices:
        return name
    if name is not None:
        raise file.absent(name, sorted(matrices))
    if len(matrices) != 1:
        found = f"{len(matrices)} matrices ({', '.join(sorted(matrices))})" if matrices else "no matrix"
        raise UsageError(
            f"{file.path} has {found} among {', '.join(names) or 'nothing'}, wanted one [n, d]; name what the others "
            f"are ('{file.path.name}?queries=NAME'), or save the vectors alone"
        )
    return next(iter(matrices))


def _npy_shape(stream: Any) -> tuple[int, ...]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape: tuple[int, ...] = read(stream)[0]
    return shape


def _safetensors_header(path: Path) -> tuple[dict[str, Any], int]:
    """The entries by name, and where their bytes begin."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"a header of {length:,} bytes")
        header: dict[str, Any] = json.loads(stream.read(length))
    header.pop("__metadata__", None)
    return header, 8 + length


NPY = Format("an array that numpy.save wrote", _npy_vectors, _npy_column, _npy_names)
NPZ = Format("arrays that numpy.savez wrote", _npz_vectors, _npz_column, _npz_names)
SAFETENSORS = Format("tensors that safetensors wrote", _safetensors_vectors, _safetensors_column, _safetensors_names)
FVECS = Format("rows of their dimension (int32) and as many float32", _fvecs_vectors, _npy_column, _npy_names)
