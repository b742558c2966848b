"""Reads a CSV file of images: path, labels and, optionally, split."""

import csv
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from hashbench.errors import UsageError, unknown

REQUIRED = ("path", "labels")
COLUMNS = (*REQUIRED, "split")
SPLITS = ("query", "database", "train", "train+database")
SEPARATOR = ";"


@dataclass(frozen=True)
class LabelTable:
    """One row for each image.

    Attributes:
        paths: n distinct paths with slashes, all inside the folder of the images.
        labels: names of each image's labels, sorted; may be empty.
        splits: one of :data:`SPLITS` for each image, or None where the file has no such column.
    """

    paths: list[str]
    labels: list[tuple[str, ...]]
    splits: list[str] | None

    def classes(self) -> tuple[str, ...]:
        """The distinct labels, sorted."""
        return tuple(sorted({label for labels in self.labels for label in labels}))

    def multi_hot(self) -> npt.NDArray[np.bool_]:
        """Bool [n, classes]."""
        column = {label: number for number, label in enumerate(self.classes())}
        cells = [(row, column[label]) for row, labels in enumerate(self.labels) for label in labels]
        table = np.zeros((len(self.paths), len(column)), dtype=np.bool_)
        if cells:
            table[tuple(np.array(cells).T)] = True
        return table

    def rows_in(self, part: str) -> npt.NDArray[np.int64]:
        """Rows whose split includes ``part`` (query, database or train), ascending, int64."""
        assert self.splits is not None
        return np.array([row for row, split in enumerate(self.splits) if part in split.split("+")], dtype=np.int64)


def read_label_table(file: Path) -> LabelTable:
    """Read a CSV file (UTF-8) with the header ``path,labels`` or ``path,labels,split``, columns in any order.

    Labels of one image are separated by ";"; an image without labels has an empty cell.

    Raises:
        UsageError: unknown, missing or repeated columns; a row with more or fewer cells; a path that is empty, repeated
            or outside the folder; an unknown split; no rows. The message names file and line.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            columns = _header(next(reader, []), file)
            return _body(((reader.line_num, cells) for cells in reader), columns, file)
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except csv.Error as error:
        raise UsageError(f"{file}:{reader.line_num}: {error}; mend the quotes of that line") from None


def _header(cells: list[str], file: Path) -> list[str]:
    columns = [cell.strip() for cell in cells]
    for column in columns:
        if column not in COLUMNS:
            raise UsageError(f"{file}:1: {unknown('column', column, COLUMNS)}")
        if columns.count(column) > 1:
            raise UsageError(f"{file}:1: the column {column!r} is there twice; remove one")
    for column in REQUIRED:
        if column not in columns:
            raise UsageError(f"{file}:1: no column {column!r}; wanted the header path,labels or path,labels,split")
    return columns


def _body(rows: Iterable[tuple[int, list[str]]], columns: list[str], file: Path) -> LabelTable:
    lines: dict[str, int] = {}  # line of each path
    labels: list[tuple[str, ...]] = []
    splits: list[str] = []
    for line, cells in rows:
        if not cells:
            continue
        where = f"{file}:{line}"
        if len(cells) != len(columns):
            raise UsageError(f"{where}: {len(cells)} cells, wanted {len(columns)} ({','.join(columns)})")
        row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
        path = _inner_path(row["path"], where)
        if path in lines:
            raise UsageError(f"{where}: {path!r} is on line {lines[path]} as well; remove one")
        split = row.get("split")
        if split is not None and split not in SPLITS:
            raise UsageError(f"{where}: split is {split!r}, wanted one of {', '.join(SPLITS)}")
        lines[path] = line
        labels.append(tuple(sorted({name for part in row["labels"].split(SEPARATOR) if (name := part.strip())})))
        splits += [] if split is None else [split]
    if not lines:
        raise UsageError(f"{file} has no rows, wanted one for each image")
    return LabelTable(list(lines), labels, splits if "split" in columns else None)


def _inner_path(path: str, where: str) -> str:
    if not path:
        raise UsageError(f"{where}: the path is empty, wanted an image's path from the folder of the images")
    inner = posixpath.normpath(path)
    if PurePosixPath(inner).is_absolute() or inner.split("/")[0] == "..":
        raise UsageError(f"{where}: {path!r} leaves the folder of the images; write its path from there")
    return inner
