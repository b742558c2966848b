"""The arrays that a trial leaves beside its record, by which those that a node sends are checked."""

import io

import numpy as np

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.records.scores import NEIGHBOUR_ARRAYS
from hashbench.records.trial_spec import FLOAT_FEATURES, QUANTISED, PlannedTrial
from hashbench.util.npz import Arrays, read_npz

WITHOUT_CODES = (FLOAT_FEATURES, *QUANTISED)
Wanted = dict[str, tuple[str, tuple[int | None, ...]]]
"""Dtype and shape by name; None is any number."""


def wanted_arrays(planned: PlannedTrial) -> Wanted:
    """What :func:`hashbench.records.scores.saved_arrays` stores of a trial that ended well.

    Args:
        planned: the trial, whose protocol card says how many queries, items and classes there are.
    """
    card, trial = planned.card, planned.trial
    rows = {part: int(card["sizes"][part]) for part in ("query", "database")}
    wanted: Wanted = {"average_precision": ("float64", (rows["query"],))}
    for part, number in rows.items():
        wanted[f"{part}_labels"] = "uint8", (number, -(-card["classes"] // 8))
        wanted[f"{part}_items"] = "int64", (number,)
        if trial.method not in WITHOUT_CODES:
            assert trial.bits is not None
            wanted[f"{part}_codes"] = "uint8", (number, -(-trial.bits // 8))
    if trial.ranking is not None:
        wanted["query_vectors"] = "float32", (rows["query"], None)
    if trial.ranking == "estimator":
        wanted["database_factors"] = "float32", (rows["database"], None)
    if card.get("relevance"):
        shapes = ("int64", (rows["query"] + 1,)), ("int64", (None,)), ("float32", (None,))
        wanted["neighbour_recall"] = "float64", (rows["query"],)
        wanted |= {f"neighbour_{name}": shape for name, shape in zip(NEIGHBOUR_ARRAYS, shapes, strict=True)}
    return wanted


def checked_arrays(content: bytes, planned: PlannedTrial, name: str) -> Arrays:
    """The arrays in a file of codes, which has to hold what the trial leaves and nothing else.

    Args:
        content: the file.
        planned: the trial.
        name: what a message calls it.

    Raises:
        UsageError: it is damaged, or the arrays are not those of the trial; the line names the first that is not.
    """
    try:
        arrays, wanted = read_npz(io.BytesIO(content)), wanted_arrays(planned)
        for array in (*wanted, *arrays):
            if array not in wanted:
                raise ValueError(f"there is an array {array!r}, wanted {', '.join(wanted)}")
            if array not in arrays:
                raise ValueError(f"there is no {array}")
            dtype, shape = wanted[array]
            found = arrays[array]
            if found.dtype != np.dtype(dtype) or not _fits(found.shape, shape):
                words = ", ".join("any" if size is None else str(size) for size in shape)
                raise ValueError(f"{array} is {found.dtype} {list(found.shape)}, wanted {dtype} [{words}]")
            if array.endswith("_codes"):
                Codes(found, planned.trial.bits or 0)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{name} cannot be read ({error})") from None
    return arrays


def _fits(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(size in (None, each) for each, size in zip(found, wanted, strict=True))
