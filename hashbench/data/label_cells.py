"""Takes the labels in the cells of a CSV file apart: names with a separator, or 0 or 1 for each label."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from hashbench.data.image_tree import normal
from hashbench.errors import UsageError

Kind = Literal["names", "class-numbers", "multi-hot"]
Labels = tuple[str, ...]

SEPARATOR = ";"
ASKED = (",", "|")  # they separate labels in some files, and are part of names in others
JOINTS = re.compile(r"\s*[,|/+&;]\s*|\s+and\s+|\s+")  # what may separate labels in a name
HOT_CELL = re.compile(r"[01](?:\.0)?(?:[\s,;|]+[01](?:\.0)?)+")
HOT_JOINT = re.compile(r"[\s,;|]+")
CLASS_NUMBER = re.compile(r"0*([0-9]+)(\.0*)?")
CLASS_NUMBERS = re.compile(r"[0-9]+(\.0)?(\s+[0-9]+(\.0)?)+")
LIST_OF_NAMES = re.compile(r"""\[.*\]|[({]\s*['"].*[)}]""", re.DOTALL)
NAMED_NOTES = 3


def split_cells(cells: Sequence[tuple[str, str]], kind: Kind | None, separator: str | None) -> list[Labels]:
    """The labels of each image: distinct names, sorted.

    Args:
        cells: of each image, where its cell stands ("labels.csv:7") and what it says.
        kind: what cells say; None where they must show it: "1 0 1" in all of them is 0 or 1 for each label.
        separator: of names; None for ";", which must be clear. Numbers may also have blanks, commas or bars between.

    Raises:
        UsageError: cells may mean one label or several, or say something else than ``kind``; names file and line.
    """
    filled = [(where, _bare(cell)) for where, cell in cells if cell]
    if kind == "multi-hot" or (kind is None and all(HOT_CELL.fullmatch(cell) for _, cell in filled)):
        return [_marked(where, _bare(cell), filled) for where, cell in cells]
    if kind == "class-numbers":
        return [_class_numbers(where, _bare(cell), separator) for where, cell in cells]
    if kind is None:
        _check_no_lists(filled)
    if separator is None:
        _check_clear(filled, kind)
    between = separator or SEPARATOR
    found: dict[str, Labels] = {}  # most cells come many times
    for _, cell in cells:
        if cell not in found:
            names = _parts(cell, between) if _bare(cell) else ()  # "[]" has none
            found[cell] = tuple(sorted(set(map(normal, names))))
    return [found[cell] for _, cell in cells]


def joined_names(classes: Sequence[str]) -> list[str]:
    """Lines on classes whose names look like several other classes, "owl jay" beside "owl" and "jay"."""
    known = set(classes)
    found = []
    for name in classes:
        parts = [part for part in JOINTS.split(name) if part]
        if len(parts) > 1 and known.issuperset(parts):
            found.append(f"the class {name!r} looks like {' and '.join(map(repr, dict.fromkeys(parts)))}")
    if len(found) > NAMED_NOTES:
        found = [*found[:NAMED_NOTES], f"{len(found) - NAMED_NOTES:,} more classes look like several"]
    if found:
        found[-1] += '; separate labels by ;, or say by what they are in the TOML file, as in separator = " "'
    return found


def twin_names(classes: Sequence[str]) -> list[str]:
    """A line on classes that differ in letter case, or in how a number is written, alone: "Owl" and "owl", "3.0"."""
    first, twins = dict[str, str](), list[str]()
    for name in classes:
        number = CLASS_NUMBER.fullmatch(name)
        other = first.setdefault(number[1] if number else name.casefold(), name)
        if other != name:
            twins.append(f"{other!r} and {name!r}")
    if not twins:
        return []
    more = f" and {len(twins) - NAMED_NOTES:,} more pairs" if len(twins) > NAMED_NOTES else ""
    return [
        f"classes that may be the same: {', '.join(twins[:NAMED_NOTES])}{more}; images of one do not match the other"
    ]


def _bare(cell: str) -> str:
    """The cell without the brackets around a list of numbers."""
    return (
        cell[1:-1].strip()
        if cell.startswith(("[", "(")) and re.fullmatch(r"\[[0-9.,;|\s]*\]|\([0-9.,;|\s]*\)", cell)
        else cell
    )


def _marks(cell: str) -> list[str]:
    return HOT_JOINT.split(cell)


def _marked(where: str, cell: str, filled: Sequence[tuple[str, str]]) -> Labels:
    """Names of the columns where the cell has a 1: "column 1"."""
    if not cell:
        return ()
    marks, wanted = [mark.removesuffix(".0") for mark in _marks(cell)], len(_marks(filled[0][1]))
    if not set(marks) <= {"0", "1"}:
        raise UsageError(f"{where}: labels are {cell[:60]!r}, wanted 0 or 1 for each label, say '0 1 0'")
    if len(marks) != wanted:
        raise UsageError(
            f"{where}: 0 or 1 for each of {len(marks)} labels in {cell[:60]!r}, the lines before have {wanted}; mend "
            'it, or set labels = "class-numbers" in the TOML file if each is the number of a class'
        )
    width = len(str(wanted))
    return tuple(f"column {column:0{width}}" for column, mark in enumerate(marks, 1) if mark == "1")


def _class_numbers(where: str, cell: str, separator: str | None) -> Labels:
    """Names of the classes whose numbers the cell has: "17", also where it says 17.0."""
    numbers = set[str]()
    for part in HOT_JOINT.split(cell) if separator is None else _parts(cell, separator):
        number = CLASS_NUMBER.fullmatch(part)
        if part and not number:
            raise UsageError(
                f"{where}: labels are {cell[:60]!r}, wanted whole class numbers of 0 or more, as in '3;17'; for names "
                'set labels = "names" in the TOML file'
            )
        if number:
            numbers.add(number[1])
    return tuple(sorted(numbers))


def _check_no_lists(filled: Sequence[tuple[str, str]]) -> None:
    """Raise UsageError where a cell is a list of names as a program prints it: names would get its quotes."""
    for where, cell in filled:
        if LIST_OF_NAMES.fullmatch(cell):
            raise UsageError(
                f"{where}: labels are {cell[:60]!r}, a list as Python prints it; write them as in 'owl;jay', or set "
                'labels = "names" in the TOML file to take brackets for part of a name'
            )


def _check_clear(filled: Sequence[tuple[str, str]], kind: Kind | None) -> None:
    """Raise UsageError where cells have one of the other separators, or several numbers, and none has ";"."""
    if any(SEPARATOR in cell for _, cell in filled):
        return
    for where, cell in filled:
        if kind is None and CLASS_NUMBERS.fullmatch(cell):
            raise UsageError(
                f"{where}: labels are {cell[:60]!r}, which may be one name or several numbers; set in the TOML file "
                'labels = "class-numbers" if each is the number of a class, or labels = "names" to take each cell for '
                "one name"
            )
        for separator in ASKED:
            if len(list(_parts(cell, separator))) < 2:
                continue
            raise UsageError(
                f"{where}: labels are {cell[:60]!r}, which may be one or several; set in the TOML file separator = "
                f'"{separator}" to take them apart, or separator = ";" to take each cell for one'
            )


def _parts(cell: str, separator: str) -> Iterator[str]:
    parts = cell.split(separator) if separator.strip() else cell.split()
    return (name for part in parts if (name := part.strip()))
