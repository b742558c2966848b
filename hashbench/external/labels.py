"""Checks labels and item numbers of codes that were made elsewhere; labels are class numbers or multi-hot."""

import numpy as np
import numpy.typing as npt

from hashbench.dataset import Items
from hashbench.errors import UsageError
from hashbench.evaluation.relevance import LARGEST
from hashbench.external.arrays import Array
from hashbench.external.encodings import first_other

ClassesOrHot = npt.NDArray[np.int64] | npt.NDArray[np.bool_]
FEW = 5  # classes that a message names
KINDS = "class numbers [n] or 0/1 [n, classes]"


def check_labels(name: str, array: Array, rows: int) -> ClassesOrHot:
    """Class numbers as int64 [n], or multi-hot labels as bool [n, classes].

    Args:
        name: what messages call the array.
        array: whole numbers [n], 0 or more; or bool or 0/1 of any number type [n, classes].
        rows: how many codes there are.

    Raises:
        UsageError: another shape, type or number of rows, or a value that fits neither.
    """
    shape = f"{array.dtype} {list(array.shape)}"
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2) or not array.size:
        raise UsageError(f"{name} are {shape}, wanted {KINDS}")
    if len(array) != rows:
        raise UsageError(f"{name} have {len(array):,} rows and the codes {rows:,}, wanted one for each code")
    if array.ndim == 1:
        return _class_numbers(name, array)
    if array.dtype == np.bool_:
        return array
    if array.shape[1] == 1:
        raise UsageError(f"{name} are {shape}: class numbers in a column, or one label? wanted {KINDS}")
    index = first_other(array, (0, 1))
    if index is not None:
        raise UsageError(f"{name} has {array[index].item()!r} at {list(index)}, wanted 0 or 1 in {KINDS}")
    return np.asarray(array > 0)


def _class_numbers(name: str, array: Array) -> npt.NDArray[np.int64]:
    if array.dtype.kind not in "iu":
        raise UsageError(
            f"{name} are {array.dtype} {list(array.shape)}, wanted whole class numbers, or 0/1 [n, classes]"
        )
    if array.min() < 0:
        row = int((array < 0).argmax())
        raise UsageError(
            f"{name} has {array[row]} in row {row}, wanted class numbers of 0 or more; items without a label are rows "
            f"of zeros in 0/1 [n, classes]"
        )
    if array.max() > LARGEST:
        raise UsageError(f"{name} has {array.max()} in row {array.argmax()}, wanted class numbers up to {LARGEST}")
    return array.astype(np.int64)


def check_shared(query: ClassesOrHot, database: ClassesOrHot) -> None:
    """Check that some class is on both sides, without which no query has a relevant item, in whatever order.

    Raises:
        UsageError: there is none; names a few of each side.
    """
    asked, kept = _classes(query), _classes(database)
    if not np.intersect1d(asked, kept).size:
        raise UsageError(
            f"query_labels and database_labels have no class in common (queries: {_few(asked)}; database: "
            f"{_few(kept)}), so no query has a relevant item; number the classes of both alike"
        )


def _classes(labels: ClassesOrHot) -> npt.NDArray[np.int64]:
    """The class numbers that occur, ascending; columns of multi-hot labels."""
    return np.unique(labels) if labels.ndim == 1 else np.flatnonzero(labels.any(axis=0)).astype(np.int64)


def _few(classes: npt.NDArray[np.int64]) -> str:
    more = f" and {len(classes) - FEW:,} more" if len(classes) > FEW else ""
    return ", ".join(map(str, classes[:FEW].tolist())) + more if len(classes) else "none"


def check_items(name: str, array: Array, rows: int) -> Items:
    """Item numbers as int64 [n], each once.

    Raises:
        UsageError: another shape or type, another number of rows, a negative number, or one that is there twice.
    """
    if array.dtype.kind not in "iu" or array.shape != (rows,):
        raise UsageError(
            f"{name} are {array.dtype} {list(array.shape)}, wanted whole numbers [{rows}], one for each code"
        )
    if len(array) and array.max() > LARGEST:
        raise UsageError(f"{name} has {array.max()}, wanted item numbers up to {LARGEST}")
    items = array.astype(np.int64)
    numbers, counts = np.unique(items, return_counts=True)
    if numbers[0] < 0:
        raise UsageError(f"{name} has {numbers[0]}, wanted item numbers of 0 or more")
    if counts.max() > 1:
        raise UsageError(f"{name} has {numbers[counts.argmax()]} {counts.max()} times, wanted each item once")
    return items
