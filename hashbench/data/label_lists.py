"""Reads the label files of papers: one 0/1 per line of an image list, and lists of lines ``path l1 l2 ...``."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.errors import UsageError

ZERO, ONE, NEWLINE = b"01\n"


@dataclass(frozen=True)
class LabelList:
    """The content of a ``path l1 l2 ...`` file.

    Attributes:
        file: the file.
        paths: n distinct paths as written, without a leading "./".
        labels: bool [n, number of labels].
    """

    file: Path
    paths: list[str]
    labels: npt.NDArray[np.bool_]


def read_label_column(file: Path, lines: int, image_list: str) -> npt.NDArray[np.bool_]:
    """Bool [lines] from a file of one 0 or 1 per line; ignores spaces and carriage returns.

    Args:
        file: the file.
        lines: how many lines it must have.
        image_list: name of the list that its lines belong to, for the message.

    Raises:
        UsageError: a line is something else, or there are more or fewer; the message names file and line.
    """
    raw = file.read_bytes().translate(None, b"\r \t").rstrip(b"\n") + b"\n"
    cells = np.frombuffer(raw, dtype=np.uint8)
    if len(cells) % 2 or not (np.isin(cells[::2], (ZERO, ONE)).all() and (cells[1::2] == NEWLINE).all()):
        for number, line in enumerate(raw.splitlines(), 1):
            if line not in (b"0", b"1"):
                raise UsageError(f"{file}:{number}: {os.fsdecode(line)[:40]!r}, wanted 0 or 1; get the file anew")
    column: npt.NDArray[np.bool_] = cells[::2] == ONE
    if len(column) != lines:
        raise UsageError(f"{file} has {len(column):,} lines, wanted {lines:,} (one per line of {image_list})")
    return column


def read_label_list(file: Path) -> LabelList:
    """Reads lines ``path l1 l2 ...`` with the same number of labels on each, every label 0 or 1; skips blank lines.

    Raises:
        UsageError: a line is something else, a path comes twice, or there is no line; the message names file and line.
    """
    numbers: dict[str, int] = {}  # line of each path
    rows: list[bytes] = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        path, *labels = line.split()
        row = b"".join(labels)
        if len(row) != len(labels) or not row or row.strip(b"01"):
            raise UsageError(f"{file}:{number}: wanted a path, a space and labels of 0 or 1, say 'images/7.jpg 0 1 0'")
        if rows and len(row) != len(rows[0]):
            raise UsageError(f"{file}:{number}: {len(row)} labels, the lines before have {len(rows[0])}")
        name = os.fsdecode(path).removeprefix("./")
        if name in numbers:
            raise UsageError(f"{file}:{number}: {name!r} is on line {numbers[name]} as well; remove one")
        numbers[name] = number
        rows.append(row)
    if not rows:
        raise UsageError(f"{file} is empty, wanted lines such as 'images/7.jpg 0 1 0'")
    cells = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), -1)
    return LabelList(file, list(numbers), cells == ONE)
