"""Reads the label files of papers: lists of lines ``path labels``, or the paths and the labels in two files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.data.image_tree import normal
from hashbench.data.texts import read_lines, read_text
from hashbench.errors import UsageError

TOKEN = re.compile(r"[^\s,;]+")
NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.0*)?([eE][+-]?[0-9]{1,2})?")
LARGEST = 1e15
EXAMPLES = "'images/7.jpg 0 1 0' or, with the number of a class, 'images/7.jpg 17'"
HOT = {"0", "1"}


@dataclass(frozen=True)
class LabelList:
    """A list of images with whole numbers as labels.

    Attributes:
        file: the file of the labels.
        paths: n distinct paths as written, without a leading "./", in the Unicode form NFC.
        rows: the labels of each, with one space between them: "0 1 0", "17"; "" where a line of a file of labels alone
            is blank.
        lines: number of the line of each in the file, from 1.
    """

    file: Path
    paths: list[str]
    rows: list[str]
    lines: list[int]


def read_label_column(file: Path, lines: int, image_list: str) -> npt.NDArray[np.bool_]:
    """Bool [lines] from a file of one 0 or 1 per line; ignores spaces and carriage returns.

    Args:
        file: the file.
        lines: how many lines it must have.
        image_list: name of the list that its lines belong to, for the message.

    Raises:
        UsageError: a line is something else, or there are more or fewer; the message names file and line.
    """
    text = read_text(file).translate({ord(blank): None for blank in "\r \t"}).rstrip("\n") + "\n"
    raw = text.encode("utf-8", "surrogateescape")
    cells = np.frombuffer(raw, dtype=np.uint8)
    zero, one, newline = b"01\n"
    if len(cells) % 2 or not (np.isin(cells[::2], (zero, one)).all() and (cells[1::2] == newline).all()):
        for number, line in enumerate(text.split("\n"), 1):
            if line not in HOT:
                raise UsageError(f"{file}:{number}: {line[:40]!r}, wanted 0 or 1; get the file anew")
    column: npt.NDArray[np.bool_] = cells[::2] == one
    if len(column) != lines:
        raise UsageError(f"{file} has {len(column):,} lines, wanted {lines:,} (one per line of {image_list})")
    return column


def read_label_list(file: Path) -> LabelList:
    """Reads lines ``path l1 l2 ...``; skips blank ones.

    The labels are the whole numbers at the end of a line ("3.0" counts), separated by blanks, commas or semicolons; the
    path before them may have blanks.

    Raises:
        UsageError: a line has no path or no label, a path comes twice, or there is no line; names file and line.
    """
    numbered = [(number, line) for number, line in enumerate(read_lines(file), 1) if line]
    if numbered and not has_labels(numbered[0][1]):
        number, line = numbered[0]
        raise UsageError(
            f"{file}:{number}: {line[:60]!r}, wanted a path, a space and labels, say {EXAMPLES}; "
            'labels in a file of their own are named with it, as in query = ["test.txt", "labels.txt"]'
        )
    return _listed(file, ((number, *_split_line(file, number, line)) for number, line in numbered))


def read_label_files(names: Path, labels: Path) -> LabelList:
    """The images that ``names`` has line by line, with the labels in the same line of ``labels``.

    Raises:
        UsageError: the files have different numbers of lines, a line of ``names`` is blank, a label is no whole number,
            or a path comes twice; names file and line.
    """
    paths = read_lines(names)
    rows = read_lines(labels, at_least=len(paths))
    if len(paths) != len(rows):
        raise UsageError(
            f"{labels} has {len(rows):,} lines, {names} has {len(paths):,}; "
            "give two files that belong together, line by line"
        )
    entries = []
    for number, (path, row) in enumerate(zip(paths, rows, strict=True), 1):
        if not path:
            raise UsageError(f"{names}:{number}: a blank line, wanted the path of an image")
        numbers = [_number(token) for token in TOKEN.findall(row)]
        if None in numbers:
            raise UsageError(f"{labels}:{number}: {row[:40]!r}, wanted whole numbers, say '0 1 0' or '17'")
        entries.append((number, path, " ".join(map(str, numbers))))
    return _listed(labels, entries, names)


def has_labels(line: str) -> bool:
    """Whether a line of a list ends in a label."""
    tokens = TOKEN.findall(line)
    return len(tokens) > 1 and _number(tokens[-1]) is not None


def _split_line(file: Path, number: int, line: str) -> tuple[str, str]:
    """The path and the labels of a line."""
    first, *rest = line.split()
    commas = "," in first or ";" in first  # "7.jpg,0 1 0" begins with a label
    if rest and not commas and HOT.issuperset(rest):  # quick, for lists of 200,000 lines with 81 labels
        return first, " ".join(rest)
    tokens = list(TOKEN.finditer(line))
    labels: list[int] = []
    for token in reversed(tokens[1:]):
        value = _number(token[0])
        if value is None:
            break
        labels.append(value)
    if not labels:
        raise UsageError(f"{file}:{number}: {line[:60]!r}, wanted a path, a space and labels, say {EXAMPLES}")
    return line[: tokens[-len(labels)].start()].rstrip(" \t,;"), " ".join(map(str, reversed(labels)))


def _number(token: str) -> int | None:
    """The whole number that ``token`` is, None if it is something else."""
    if not NUMBER.fullmatch(token):
        return None
    value = float(token)
    return int(value) if value.is_integer() and abs(value) < LARGEST else None


def _listed(file: Path, entries: Iterable[tuple[int, str, str]], names: Path | None = None) -> LabelList:
    lines: dict[str, int] = {}  # line of each path
    rows: list[str] = []
    for number, path, row in entries:
        name = normal(path.removeprefix("./"))
        if name in lines:
            raise UsageError(f"{names or file}:{number}: {name!r} is on line {lines[name]} as well; remove one")
        lines[name] = number
        rows.append(row)
    if not rows:
        raise UsageError(f"{names or file} is empty, wanted lines such as {EXAMPLES}")
    return LabelList(file, list(lines), rows, list(lines.values()))
