"""An array on disk that is made part by part: its bytes in one file, the sums of its parts in a journal beside it."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from hashbench.util.files import replacing
from hashbench.util.threads import pool

PART = 512  # rows; what a kill may cost is one part
ARRAY, JOURNAL = "features.bin", "parts.json"

Floats = npt.NDArray[np.floating[Any]]


class DamagedError(ValueError):
    """The journal is not what was written, so nothing is known about the array."""


class Layout(NamedTuple):
    """How an array lies on disk, row after row, the lowest byte first: "float32" or "float16" [items, width]."""

    items: int
    width: int
    dtype: str
    rows: int = PART  # of each part but the last

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype on disk."""
        return np.dtype(self.dtype).newbyteorder("<")

    def part(self, number: int) -> range:
        """The rows of a part."""
        return range(number * self.rows, min((number + 1) * self.rows, self.items))


class PartedArray:
    """The array in a folder. What its journal names is on disk, whatever kills the process.

    Attributes:
        folder: where it lies.
        layout: what it is.
        sums: sha256 of each part's bytes, None for those that are not made.
        made_from: what for; for people who look into the journal.
    """

    def __init__(
        self, folder: Path, layout: Layout, sums: list[str | None], made_from: Mapping[str, str | None]
    ) -> None:
        self.folder, self.layout, self.sums, self.made_from = folder, layout, sums, made_from

    @classmethod
    def create(cls, folder: Path, layout: Layout, made_from: Mapping[str, str | None]) -> Self:
        """An array without parts, in place of what may be there."""
        made = cls(folder, layout, [None] * -(-layout.items // layout.rows), made_from)
        made._write_journal()
        return made

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """The array in ``folder``, None where there is none; :meth:`check` tells whether its parts are whole.

        Raises:
            DamagedError: see there.
        """
        try:
            journal = json.loads((folder / JOURNAL).read_bytes())
            found = cls(folder, Layout(*journal["layout"]), journal["sums"], journal["made_from"])
            intact = journal["sha256"] == found.sha256
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedError(f"{folder / JOURNAL} is damaged ({error})") from error
        if not intact:
            raise DamagedError(f"{folder / JOURNAL} is damaged (its sum is another)")
        return found

    @property
    def sha256(self) -> str:
        """Sum over layout and sums of the parts; that of the whole array when none is missing."""
        return hashlib.sha256(json.dumps([self.layout, self.sums]).encode()).hexdigest()

    def missing(self) -> list[int]:
        """Numbers of the parts that are not made."""
        return [number for number, made in enumerate(self.sums) if made is None]

    def check(self) -> list[int]:
        """Read the parts and compare their sums; those of others are missing from now on, and are returned."""
        made = [number for number, sum_ in enumerate(self.sums) if sum_ is not None]
        found = pool().map(self._sum_on_disk, made)
        damaged = [number for number, sum_ in zip(made, found, strict=True) if sum_ != self.sums[number]]
        for number in damaged:
            self.sums[number] = None
        return damaged

    def put(self, number: int, values: Floats) -> None:
        """Write a part, flush it to disk, then enter its sum into the journal."""
        content = values.astype(self.layout.stored, order="C", copy=False)
        handle = os.open(self.folder / ARRAY, os.O_WRONLY | os.O_CREAT, 0o644)
        with os.fdopen(handle, "wb") as file:
            file.seek(self._offset(number))
            file.write(content.data)
            file.flush()
            os.fsync(file.fileno())
        self.sums[number] = hashlib.sha256(content.data).hexdigest()
        self._write_journal()

    def values(self) -> Floats:
        """The whole array, memory-mapped, read-only."""
        shape = (self.layout.items, self.layout.width)
        return np.memmap(self.folder / ARRAY, self.layout.stored, "r", shape=shape)

    def _offset(self, number: int) -> int:
        return number * self.layout.rows * self.layout.width * self.layout.stored.itemsize

    def _sum_on_disk(self, number: int) -> str | None:
        length = len(self.layout.part(number)) * self.layout.width * self.layout.stored.itemsize
        try:
            with (self.folder / ARRAY).open("rb") as file:
                file.seek(self._offset(number))
                return hashlib.sha256(file.read(length)).hexdigest()
        except OSError:
            return None

    def _write_journal(self) -> None:
        journal = {"made_from": self.made_from, "layout": self.layout, "sums": self.sums, "sha256": self.sha256}
        with replacing(self.folder / JOURNAL) as work:
            work.write_text(json.dumps(journal, indent=1) + "\n")
