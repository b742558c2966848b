"""What the numbers on lists mean: 0 or 1 for each label, or the numbers of classes."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from hashbench.data.image_tree import normal
from hashbench.data.label_lists import HOT, LabelList
from hashbench.data.texts import read_lines
from hashbench.errors import UsageError

Kind = Literal["class-numbers", "multi-hot"]
MultiHot = npt.NDArray[np.bool_]
HOT_ROW = re.compile("[01]( [01])*")


def kind_of(lists: Sequence[LabelList]) -> Kind:
    """What the numbers on ``lists`` mean, where only one meaning is possible.

    One number on each line, of which some are above 1, are class numbers; 0 or 1 for each of two labels or more are
    multi-hot.

    Raises:
        UsageError: they may be either; the message says what to set.
    """
    rows = [row for one in lists for row in one.rows if row]
    hot, widths = all(map(HOT_ROW.fullmatch, rows)), set(map(_width, rows))
    example = lists[0]
    line = f"{example.paths[0]} {example.rows[0]}"
    if not rows:
        raise UsageError(f"{example.file}: no line has a label, wanted some to judge relevance by")
    if widths == {1} and not hot:
        return "class-numbers"
    if widths == {1}:
        raise UsageError(
            f"{example.file}: each line has one label, 0 or 1, as in {line!r}: the number of a class, or whether one "
            'label is there? Set labels = "class-numbers" or labels = "multi-hot" in the TOML file'
        )
    if hot:
        return "multi-hot"  # lines of different lengths are refused there
    raise UsageError(
        f"{example.file}: lines have several numbers, not all of them 0 or 1, as in {_strangest(lists)!r}; set "
        'labels = "class-numbers" in the TOML file if each is the number of a class, or mend the lists'
    )


def multi_hot(lists: Sequence[LabelList]) -> list[MultiHot]:
    """The labels of each list, bool [lines, columns], from 0 or 1 for each label.

    Raises:
        UsageError: another number, or lines or lists with other numbers of labels; names file and line.
    """
    return [_hot_rows(one, lists[0]) for one in lists]


def class_numbers(lists: Sequence[LabelList]) -> tuple[list[MultiHot], list[int]]:
    """The labels of each list, bool [lines, classes], and the number of each class, rising.

    Raises:
        UsageError: a number is negative, or comes twice on a line; names file and line.
    """
    numbers = [[_classes_on(one, index) for index in range(len(one.rows))] for one in lists]
    known = sorted({number for rows in numbers for row in rows for number in row})
    column = {number: index for index, number in enumerate(known)}
    labels = []
    for rows in numbers:
        table = np.zeros((len(rows), len(known)), dtype=np.bool_)
        for index, row in enumerate(rows):
            table[index, [column[number] for number in row]] = True
        labels.append(table)
    return labels, known


def class_names(file: Path | None, known: Sequence[int], kind: Kind) -> tuple[str, ...]:
    """A name for each label column.

    Args:
        file: has a name on each line, of the columns in their order or of the classes from number 0 or 1; None where
            there is no such file: then names are numbers.
        known: the number of each column, from 1 for multi-hot labels, or of each class.
        kind: what the numbers are.

    Raises:
        UsageError: the file has another number of names, or two that are equal.
    """
    if file is None:
        return tuple(f"column {number}" if kind == "multi-hot" else str(number) for number in known)
    names = [normal(line) for line in read_lines(file) if line]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UsageError(f"{file} has the name {twice[0]!r} twice; give each class a name of its own")
    if kind == "multi-hot" and len(names) != len(known):
        raise UsageError(
            f"{file} has {len(names)} names, wanted one for each of the lists' {len(known)} columns, a line each"
        )
    lowest, highest = known[0], known[-1]
    if len(names) == highest + 1 and kind != "multi-hot":
        return tuple(names[number] for number in known)
    if len(names) == highest and lowest >= 1:
        return tuple(names[number - 1] for number in known)
    wanted = f"{highest + 1:,} (of classes 0 to {highest})" + (
        f" or {highest:,} (of classes 1 to {highest})" if lowest >= 1 else ""
    )
    raise UsageError(f"{file} has {len(names):,} names, wanted {wanted}, a line each")


def _width(row: str) -> int:
    return row.count(" ") + 1 if row else 0


def _strangest(lists: Sequence[LabelList]) -> str:
    """The first line whose numbers are not all 0 or 1."""
    rows = ((path, row) for one in lists for path, row in zip(one.paths, one.rows, strict=True))
    path, row = next((path, row) for path, row in rows if row and not HOT_ROW.fullmatch(row))
    return f"{path} {row}".rstrip()[:60]


def _hot_rows(one: LabelList, first: LabelList) -> MultiHot:
    columns = _width(one.rows[0])
    blanks = " " * (columns - 1)
    for line, row in zip(one.lines, one.rows, strict=True):
        if row[1::2] == blanks and len(row) == 2 * columns - 1 and HOT.issuperset(row[::2]):
            continue
        if not HOT_ROW.fullmatch(row):
            raise UsageError(
                f"{one.file}:{line}: wanted a path, a space and labels of 0 or 1, say 'images/7.jpg 0 1 0'"
            )
        raise UsageError(f"{one.file}:{line}: {_width(row)} labels, the lines before have {columns}")
    if columns != _width(first.rows[0]):
        raise UsageError(
            f"{one.file} has {columns} labels per line, {first.file} has {_width(first.rows[0])}; "
            "take lists that belong together"
        )
    cells = np.frombuffer(" ".join(one.rows).encode() + b" ", dtype=np.uint8)
    table: MultiHot = cells.reshape(len(one.rows), columns, 2)[:, :, 0] == ord("1")
    return table


def _classes_on(one: LabelList, index: int) -> list[int]:
    numbers = list(map(int, one.rows[index].split()))
    where = f"{one.file}:{one.lines[index]}"
    if numbers and min(numbers) < 0:
        raise UsageError(f"{where}: class number {min(numbers)}, wanted 0 or more")
    if len(set(numbers)) < len(numbers):
        raise UsageError(
            f"{where}: a class number comes twice in {one.rows[index][:40]!r}; if labels are 0 or 1 for each class, "
            'they are labels = "multi-hot"'
        )
    return numbers
