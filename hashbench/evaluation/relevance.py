"""Labels as multi-hot matrices: two items are relevant to each other when they share at least one label."""

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

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
    highest = int(array.max(initial=-1))
    columns = highest + 1 if classes is None else classes
    if highest >= columns:
        raise ValueError(f"labels: class number {highest} with {columns} classes, wanted 0 to {columns - 1}")
    hot = np.zeros((len(array), columns), dtype=np.bool_)
    hot[np.arange(len(array)), array] = True
    return hot


def label_pair(query: Labels, database: Labels, queries: int, items: int) -> tuple[MultiHot, MultiHot]:
    """Labels of ``queries`` queries and ``items`` items of the database as matrices with the same columns.

    Raises:
        ValueError: see :func:`as_multi_hot`; the columns differ; or there is not one row for each item.
    """
    arrays = [_array(query), _array(database)]
    for name, array, wanted in zip(("query", "database"), arrays, (queries, items), strict=True):
        if len(array) != wanted:
            raise ValueError(f"labels: {len(array)} rows for {wanted} {name} items, wanted one row for each")
    hot = [array.dtype == np.bool_ for array in arrays]
    if not any(hot):
        # Columns for the classes that occur, so that a class number of a million costs one column.
        present, columns_of = np.unique(np.concatenate(arrays), return_inverse=True)
        return as_multi_hot(columns_of[:queries], len(present)), as_multi_hot(columns_of[queries:], len(present))
    columns = [array.shape[1] for array in arrays if array.dtype == np.bool_]
    if len(set(columns)) > 1:
        raise ValueError(f"labels: {columns[0]} columns for queries and {columns[1]} for the database, wanted the same")
    return as_multi_hot(arrays[0], columns[0]), as_multi_hot(arrays[1], columns[0])


def _array(labels: Labels) -> npt.NDArray[Any]:
    """Bool [n, classes] or int64 [n], checked."""
    array = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if array.dtype == np.bool_ and array.ndim == 2:
        return array
    if not np.issubdtype(array.dtype, np.integer) or array.ndim != 1:
        raise ValueError(
            f"labels: got {array.dtype} {list(array.shape)}, wanted class numbers [n] or bool [n, classes]; "
            f"for a 0/1 matrix pass (labels > 0)"
        )
    if array.size and array.min() < 0:
        raise ValueError(f"labels: class number {array.min()}, wanted 0 or more")
    return array.astype(np.int64)
