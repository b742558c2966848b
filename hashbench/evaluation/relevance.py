"""Labels as class numbers or multi-hot matrices: items are relevant to each other when they share a label or more."""

from collections.abc import Iterator
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.search.backend import LabelPair, LabelSide
from hashbench.util.arrays import as_numpy

LARGEST = 2**63 - 2  # one more is an int64 as well
_BLOCK_BYTES = 1 << 24
_TABLE_SHARE = 8  # a table of this many numbers per item is faster than sorting

Labels = npt.NDArray[Any] | Tensor
MultiHot = npt.NDArray[np.bool_]


def as_multi_hot(labels: Labels, classes: int | None = None) -> MultiHot:
    """Labels as bool [n, classes]; the input stays as it is.

    Args:
        labels: whole class numbers >= 0 of shape [n], or bool [n, classes], numpy or torch.
        classes: number of columns; by default those there are, or the highest class number and one.

    Raises:
        ValueError: another dtype or shape, a negative class number, or one for which there is no column.
    """
    array = _array(labels)
    if array.dtype == np.bool_:
        if classes is not None and array.shape[1] != classes:
            raise ValueError(f"labels: {array.shape[1]} columns, wanted {classes}")
        return array
    columns = int(array.max(initial=-1)) + 1 if classes is None else classes
    _check_columns(array, columns)
    hot = np.zeros((len(array), columns), dtype=np.bool_)
    hot[np.arange(len(array)), array] = True
    return hot


def both_sides(query_labels: Labels | None, database_labels: Labels | None) -> tuple[Labels, Labels] | None:
    """The labels of queries and database; None where neither has any.

    Raises:
        ValueError: one side has labels and the other has not.
    """
    if query_labels is not None and database_labels is not None:
        return query_labels, database_labels
    if query_labels is None and database_labels is None:
        return None
    missing = "queries" if query_labels is None else "database"
    raise ValueError(f"labels: those of the {missing} are missing, wanted labels of both sides, or None for both")


def label_pair(query: Labels, database: Labels, queries: int, items: int) -> LabelPair:
    """Labels of ``queries`` queries and ``items`` items of the database, each side as it was given.

    Where both sides are class numbers they come back as 0, 1, ... in their order, without those that do not occur;
    beside a multi-hot side they are its columns.

    Raises:
        ValueError: see :func:`as_multi_hot`; the columns differ; or there is not one row for each item.
    """
    arrays = [_array(query), _array(database)]
    for name, array, wanted in zip(("query", "database"), arrays, (queries, items), strict=True):
        if len(array) != wanted:
            raise ValueError(f"labels: {len(array)} rows for {wanted} {name} items, wanted one row for each")
    columns = [array.shape[1] for array in arrays if array.ndim == 2]
    if not columns:
        classes = _renumbered(np.concatenate(arrays))
        return classes[:queries], classes[queries:]
    if len(set(columns)) > 1:
        raise ValueError(f"labels: {columns[0]} columns for queries and {columns[1]} for the database, wanted the same")
    for array in arrays:
        if array.ndim == 1:
            _check_columns(array, columns[0])
    return arrays[0], arrays[1]


def _renumbered(classes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each class number's place among those that occur."""
    highest = int(classes.max(initial=-1))
    if highest > _TABLE_SHARE * len(classes):  # a few large numbers
        return np.unique(classes, return_inverse=True)[1].astype(np.int64)
    occurs = np.zeros(highest + 1, dtype=np.int64)
    occurs[classes] = 1
    return (np.cumsum(occurs) - 1)[classes]


def class_count(labels: LabelPair) -> int:
    """How many classes the labels of a :func:`label_pair` have: the columns, or the classes that occur."""
    columns = [side.shape[1] for side in labels if side.ndim == 2]
    return columns[0] if columns else 1 + int(max(side.max(initial=-1) for side in labels))


def labels_are_graded(labels: LabelPair) -> TypeGuard[tuple[MultiHot, MultiHot]]:
    """Whether a query and an item can share more than one label: both sides are multi-hot, and have items of several.

    The queries are looked at first, so that sets of one label for each item cost nothing.
    """
    return all(side.ndim == 2 and bool((np.count_nonzero(side, axis=1) > 1).any()) for side in labels)


def has_label(labels: LabelSide) -> npt.NDArray[np.bool_]:
    """Bool [n]: which items have a label; every class number is one."""
    return np.ones(len(labels), dtype=np.bool_) if labels.ndim == 1 else np.asarray(labels.any(axis=1))


def packed_rows(labels: LabelSide, classes: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Multi-hot labels as packed bits, uint8 [rows, ceil(classes / 8)], the first class highest, some rows at a time.

    Class numbers give what their one-hot matrix would give.
    """
    width = -(-classes // 8)
    step = max(1, _BLOCK_BYTES // max(1, width))
    for start in range(0, len(labels), step):
        part = labels[start : start + step]
        if part.ndim == 2:
            yield np.packbits(part, axis=1)
            continue
        rows = np.zeros((len(part), width), dtype=np.uint8)
        rows[np.arange(len(part)), part >> 3] = np.uint8(128) >> (part & 7).astype(np.uint8)
        yield rows


def pairs_share_label(query: LabelSide, database: LabelSide) -> npt.NDArray[np.bool_]:
    """Bool [n]: whether each of n queries shares a label with the item in the same row."""
    if query.ndim == 1 and database.ndim == 1:
        return np.asarray(query == database)
    if query.ndim == 1:
        return np.asarray(database[np.arange(len(query)), query])
    if database.ndim == 1:
        return np.asarray(query[np.arange(len(query)), database])
    return np.asarray((query & database).any(axis=1))


def count_shared_by_pairs(query: LabelSide, database: LabelSide) -> npt.NDArray[np.int64]:
    """Int64 [n]: how many labels each of n queries shares with the item in the same row, both multi-hot."""
    return np.asarray(np.count_nonzero(query & database, axis=1))


def _check_columns(classes: npt.NDArray[Any], columns: int) -> None:
    highest = int(classes.max(initial=-1))
    if highest >= columns:
        raise ValueError(f"labels: class number {highest} with {columns} classes, wanted 0 to {columns - 1}")


def _array(labels: Labels) -> npt.NDArray[Any]:
    """Bool [n, classes] or int64 [n], checked."""
    array = as_numpy(labels)
    if array.dtype == np.bool_ and array.ndim == 2:
        return array
    if not np.issubdtype(array.dtype, np.integer) or array.ndim != 1:
        way_out = "for a 0/1 matrix pass (labels > 0)" if array.ndim == 2 else "one row or number for each item"
        if array.ndim == 1 and array.dtype.kind == "f":
            way_out = "for class numbers pass labels.astype(int)"
        raise ValueError(
            f"labels: got {array.dtype} {list(array.shape)}, wanted class numbers [n] or bool [n, classes]; {way_out}"
        )
    if array.size and array.min() < 0:
        raise ValueError(f"labels: class number {array.min()}, wanted 0 or more")
    if array.size and array.max() > LARGEST:
        raise ValueError(f"labels: class number {array.max()}, wanted 0 to {LARGEST}")
    return array.astype(np.int64)
