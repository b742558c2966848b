"""Reads a CSV file of images: path, labels and, optionally, split."""

import csv
import io
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hashbench.data.image_tree import IMAGE_SUFFIXES, normal
from hashbench.data.label_cells import Kind, Labels, joined_names, split_cells, twin_names
from hashbench.data.texts import read_text
from hashbench.errors import UsageError, unknown

REQUIRED = ("path", "labels")
COLUMNS = (*REQUIRED, "split")
SPLITS = ("query", "database", "train", "train+database")
DELIMITERS = (",", ";", "\t", "|")
MARKS = {"": False, "0": False, "0.0": False, "1": True, "1.0": True}  # in a column of a class
EXAMPLE = "path,labels or path,labels,split"


@dataclass(frozen=True)
class LabelTable:
    """One row for each image.

    Attributes:
        paths: n distinct paths with slashes, all inside the folder of the images.
        labels: names of each image's labels, sorted; may be empty.
        splits: one of :data:`SPLITS` for each image, or None where the file has no such column.
        notes: lines on classes that look like several, or like another.
    """

    paths: list[str]
    labels: list[Labels]
    splits: list[str] | None
    notes: list[str] = field(default_factory=list)

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


class Row(NamedTuple):
    """A row of the file: where it stands ("labels.csv:7"), its number, and its cells by column."""

    where: str
    line: int
    cells: dict[str, str]


def read_label_table(file: Path, kind: Kind | None = None, separator: str | None = None) -> LabelTable:
    """Read a CSV file with the header ``path,labels`` or ``path,labels,split``, columns in any order.

    Cells are separated by commas, semicolons, tabs or bars, as the header is. Labels of one image are separated by ";",
    an image without labels has an empty cell. In place of ``labels`` there may be a column of 0 and 1 for each class.

    Args:
        file: in UTF-8, or in UTF-16 as spreadsheets write it.
        kind: what the labels are; None where they must show it.
        separator: of the labels in a cell; None for ";", which must be clear.

    Raises:
        UsageError: unknown, missing or repeated columns; a row with more or fewer cells; a path that is empty, repeated
            or outside the folder; labels that may be one or several; an unknown split; no rows. The message names file
            and line.
    """
    text, skipped = _without_hint(read_text(file, strict=True))
    delimiter = _delimiter(text)
    # A blank before a quote would make the quotes part of the cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        columns = _header(next(reader, []), f"{file}:{1 + skipped}")
        body = list(_rows(reader, columns, file, delimiter, skipped))
    except csv.Error as error:
        raise UsageError(f"{file}:{reader.line_num + skipped}: {error}; mend the quotes of that line") from None
    return _table(body, columns, file, kind, separator)


def _without_hint(text: str) -> tuple[str, int]:
    """The text without the line "sep=;" that spreadsheets begin a file with, and the number of lines left out."""
    hint = re.match(r"sep=.\r?\n", text)
    return (text[hint.end() :], 1) if hint else (text, 0)


def _delimiter(text: str) -> str:
    """What separates the cells of the header: that which makes most of it known columns."""
    first = text.partition("\n")[0]
    known = {each: sum(_column(cell) in COLUMNS for cell in first.split(each)) for each in DELIMITERS}
    return max(DELIMITERS, key=lambda each: (known[each], each in first))


def _column(cell: str) -> str:
    name = cell.strip().strip('"').strip()
    return name.lower() if name.lower() in COLUMNS else normal(name)


def _header(cells: list[str], where: str) -> list[str]:
    columns = [_column(cell) for cell in cells]
    strange = [column for column in columns if column not in COLUMNS]
    if strange and "path" not in columns and columns[0].lower().endswith(IMAGE_SUFFIXES):
        raise UsageError(f"{where}: {columns[0]!r} is no header; write {EXAMPLE} as the first line")
    for column in columns:
        if columns.count(column) > 1:
            raise UsageError(f"{where}: the column {column!r} is there twice; remove one")
    if strange and ("labels" in columns or len(strange) == 1 or "path" not in columns):
        raise UsageError(f"{where}: {unknown('column', strange[0], COLUMNS)}")
    for column in REQUIRED:
        if column not in columns and not strange:
            raise UsageError(f"{where}: no column {column!r}; wanted the header {EXAMPLE}")
    return columns


def _rows(
    reader: Iterator[list[str]], columns: Sequence[str], file: Path, delimiter: str, skipped: int
) -> Iterator[Row]:
    for cells in reader:
        if not cells or (not any(map(str.strip, cells)) and len(cells) != len(columns)):
            continue
        line: int = reader.line_num + skipped  # type: ignore[attr-defined]
        where = f"{file}:{line}"
        if len(cells) != len(columns):
            shown = delimiter.join(columns) if delimiter != "\t" else " ".join(columns)
            hint = f"; put a cell that has {delimiter!r} itself in quotes" if len(cells) > len(columns) else ""
            raise UsageError(f"{where}: {len(cells)} cells, wanted {len(columns)} ({shown}){hint}")
        yield Row(where, line, dict(zip(columns, (cell.strip() for cell in cells), strict=True)))


def _table(
    rows: Sequence[Row], columns: Sequence[str], file: Path, kind: Kind | None, separator: str | None
) -> LabelTable:
    lines: dict[str, int] = {}  # line of each path
    splits: list[str] = []
    for row in rows:
        path = _inner_path(row.cells["path"], row.where)
        if path in lines:
            raise UsageError(f"{row.where}: {path!r} is on line {lines[path]} as well; remove one")
        split = row.cells.get("split")
        if split is not None and split not in SPLITS:
            raise UsageError(f"{row.where}: split is {split!r}, wanted one of {', '.join(SPLITS)}")
        lines[path] = row.line
        splits += [] if split is None else [split]
    if not lines:
        raise UsageError(f"{file} has no rows, wanted one for each image")
    if "labels" in columns:
        labels = split_cells([(row.where, row.cells["labels"]) for row in rows], kind, separator)
    else:
        labels = _marked([column for column in columns if column not in COLUMNS], rows, file)
    classes = sorted({name for names in labels for name in names})
    notes = [*(joined_names(classes) if separator is None else []), *twin_names(classes)]
    return LabelTable(list(lines), labels, splits if "split" in columns else None, notes)


def _marked(classes: Sequence[str], rows: Sequence[Row], file: Path) -> list[Labels]:
    """The labels of each row from a column of 0 and 1 for each class."""
    for row in rows:
        for name in classes:
            if row.cells[name] not in MARKS:
                strange = unknown("column", classes[0], COLUMNS)
                raise UsageError(
                    f"{file}:1: {strange}; in place of labels, columns of classes have 0 or 1, and line {row.line} has "
                    f"{row.cells[name][:40]!r} in {name!r}"
                )
    return [tuple(sorted(name for name in classes if MARKS[row.cells[name]])) for row in rows]


def _inner_path(path: str, where: str) -> str:
    if not path:
        raise UsageError(f"{where}: the path is empty, wanted an image's path from the folder of the images")
    inner = posixpath.normpath(path)
    slashed = posixpath.normpath(path.replace("\\", "/")) if "\\" in path else inner
    for form in {inner, slashed}:
        if form.startswith("/") or form.split("/", 1)[0] == ".." or re.match("[A-Za-z]:/", form):
            raise UsageError(f"{where}: {path!r} leaves the folder of the images; write its path from there")
    return normal(inner)
