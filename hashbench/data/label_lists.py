"""The field's label files: one 0/1 per line of an image list, and lists of lines ``path l1 l2 ...``."""

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
        file: where it was read from.
        paths: n distinct paths as they are written, without a leading "./".
        labels: bool [n, number of labels].
    """

    file: Path
    paths: list[str]
    labels: npt.NDArray[np.bool_]


def read_label_column(file: Path, lines: int, listing: str) -> npt.NDArray[np.bool_]:
    """Bool [lines] from a file of one 0 or 1 per line; spaces and carriage returns do not matter.

    Args:
        file: the file.
        lines: how many lines it must have.
        listing: what its lines belong to, for the message.

    Raises:
        UsageError: a line is something else, or there are more or fewer; one line that names file and number.
    """
    raw = file.read_bytes().translate(None, b"\r \t").rstrip(b"\n") + b"\n"
    cells = np.frombuffer(raw, dtype=np.uint8)
    if len(cells) % 2 or not (np.isin(cells[::2], (ZERO, ONE)).all() and (cells[1::2] == NEWLINE).all()):
        for number, line in enumerate(raw.splitlines(), 1):
            if line not in (b"0", b"1"):
                raise UsageError(f"{file}:{number}: {os.fsdecode(line)[:40]!r}, wanted 0 or 1; get the file anew")
    found: npt.NDArray[np.bool_] = cells[::2] == ONE
    if len(found) != lines:
        raise UsageError(f"{file} has {len(found):,} lines, wanted {lines:,} (one per line of {listing})")
    return found


def read_label_list(file: Path) -> LabelList:
    """Lines ``path l1 l2 ...`` with the same number of labels on each, every label 0 or 1; blank lines are skipped.

    Raises:
        UsageError: a line is something else, a path comes twice, or there is no line; names file and number.
    """
    numbers: dict[str, int] = {}  # of the line that has the path
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
