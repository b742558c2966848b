"""An array on disk that is written part by part: its bytes in one file, the parts' checksums in a journal beside it."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from hashbench.util.files import replacing
from hashbench.util.threads import pool

PART_ROWS = 512
ARRAY_FILE, JOURNAL_FILE = "features.bin", "parts.json"

Floats = npt.NDArray[np.floating[Any]]


class DamagedError(ValueError):
    """The journal is damaged, so nothing is known about the array."""


class Layout(NamedTuple):
    """Shape and dtype of an array on disk: [items, width] of "float32" or "float16", row by row, little-endian."""

    items: int
    width: int
    dtype: str
    rows: int = PART_ROWS  # of each part but the last

    @property
    def disk_dtype(self) -> np.dtype[Any]:
        """The dtype on disk."""
        return np.dtype(self.dtype).newbyteorder("<")

    def part(self, number: int) -> range:
        """The rows of a part."""
        return range(number * self.rows, min((number + 1) * self.rows, self.items))


class Stamp(NamedTuple):
    """What changes when an array does.

    Attributes:
        sha256: the array's checksum.
        size, modified_ns, changed_ns, inode: of its file; the time of the last change cannot be set back.
    """

    sha256: str
    size: int
    modified_ns: int
    changed_ns: int
    inode: int


class PartedArray:
    """The array in a folder. Every part in its journal is on disk, whenever the process was killed.

    Parts are put, which the system may keep in memory, and saved every now and then, which waits for the disk.

    Attributes:
        folder: the folder.
        layout: shape and dtype.
        sums: sha256 of each part's bytes, None for missing parts.
        made_from: what the features were made from, for readers of the journal.
    """

    def __init__(
        self, folder: Path, layout: Layout, sums: list[str | None], made_from: Mapping[str, str | None]
    ) -> None:
        self.folder, self.layout, self.sums, self.made_from = folder, layout, sums, made_from

    @classmethod
    def create(cls, folder: Path, layout: Layout, made_from: Mapping[str, str | None]) -> Self:
        """An array without parts; replaces the journal of an earlier one."""
        array = cls(folder, layout, [None] * -(-layout.items // layout.rows), made_from)
        array.save()
        return array

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """The array in ``folder``, None if there is none; its parts are not read, see :meth:`check`.

        Raises:
            DamagedError: the journal is damaged.
        """
        try:
            journal = json.loads((folder / JOURNAL_FILE).read_bytes())
            array = cls(folder, Layout(*journal["layout"]), journal["sums"], journal["made_from"])
            intact = journal["sha256"] == array.sha256
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedError(f"{folder / JOURNAL_FILE} is damaged ({error})") from error
        if not intact:
            raise DamagedError(f"{folder / JOURNAL_FILE} is damaged (its checksum does not match)")
        return array

    @property
    def sha256(self) -> str:
        """Checksum of layout and parts; that of the whole array if no part is missing."""
        return hashlib.sha256(json.dumps([self.layout, self.sums]).encode()).hexdigest()

    def missing(self) -> list[int]:
        """Numbers of the missing parts."""
        return [number for number, sum_ in enumerate(self.sums) if sum_ is None]

    def check(self) -> list[int]:
        """Read all parts and compare their checksums; mark the damaged ones as missing and return their numbers."""
        written = [number for number, sum_ in enumerate(self.sums) if sum_ is not None]
        actual = pool().map(self._sum_on_disk, written)
        damaged = [number for number, sum_ in zip(written, actual, strict=True) if sum_ != self.sums[number]]
        for number in damaged:
            self.sums[number] = None
        return damaged

    def stamp(self) -> Stamp | None:
        """The stamp of the array as it is now; None without a file."""
        try:
            status = (self.folder / ARRAY_FILE).stat()
        except OSError:
            return None
        return Stamp(self.sha256, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def put(self, number: int, values: Floats) -> None:
        """Write a part; :meth:`save` enters it into the journal."""
        content = values.astype(self.layout.disk_dtype, order="C", copy=False)
        handle = os.open(self.folder / ARRAY_FILE, os.O_WRONLY | os.O_CREAT, 0o644)
        with os.fdopen(handle, "wb") as file:
            file.seek(self._offset(number))
            file.write(content.data)
        self.sums[number] = hashlib.sha256(content.data).hexdigest()

    def save(self) -> None:
        """Flush all parts to disk, then write the journal with their checksums."""
        with suppress(FileNotFoundError), (self.folder / ARRAY_FILE).open("rb") as file:
            os.fsync(file.fileno())
        journal = {"made_from": self.made_from, "layout": self.layout, "sums": self.sums, "sha256": self.sha256}
        with replacing(self.folder / JOURNAL_FILE) as work:
            work.write_text(json.dumps(journal, indent=1) + "\n")

    def values(self) -> Floats:
        """The whole array, memory-mapped, read-only."""
        shape = (self.layout.items, self.layout.width)
        return np.memmap(self.folder / ARRAY_FILE, self.layout.disk_dtype, "r", shape=shape)

    def _offset(self, number: int) -> int:
        return number * self.layout.rows * self.layout.width * self.layout.disk_dtype.itemsize

    def _sum_on_disk(self, number: int) -> str | None:
        length = len(self.layout.part(number)) * self.layout.width * self.layout.disk_dtype.itemsize
        try:
            with (self.folder / ARRAY_FILE).open("rb") as file:
                file.seek(self._offset(number))
                return hashlib.sha256(file.read(length)).hexdigest()
        except OSError:
            return None
