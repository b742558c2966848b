"""Finds the nearest items of a record's database for new items."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.execution.stored_trial import load_method_codes
from hashbench.replay.fitted import FittedMethod
from hashbench.replay.new_items import NewItems
from hashbench.replay.ranked_index import new_queries, ranked_index
from hashbench.util.numbers import whole_number
from hashbench.util.progress import Log, no_log


@dataclass(frozen=True)
class Found:
    """The nearest items of each query, nearest first, of equally near ones the first of the database.

    Attributes:
        items: int64 [queries, k], the data set's item numbers.
        distances: int32 [queries, k], in bits; or float32 scores, less is nearer, where the record ranks by such.
        labels: bool [queries, k, classes], multi-hot.
        encode_seconds: of all queries, from the array or the files to codes, after one that is not counted.
        search_seconds: of all queries, after a search that is not counted.
        database: number of codes that were searched.
    """

    items: npt.NDArray[np.int64]
    distances: npt.NDArray[np.int32] | npt.NDArray[np.float32]
    labels: npt.NDArray[np.bool_]
    encode_seconds: float
    search_seconds: float
    database: int


def find_nearest(fitted: FittedMethod, x: NewItems, k: int, log: Log = no_log) -> Found:
    """The ``k`` items of the record's database whose codes are nearest to those of new items, and how long it took.

    Raises:
        UsageError: the record has no codes, ``k`` is larger than its database, or an item cannot be encoded.
    """
    codes = load_method_codes(fitted.stored)
    size = len(codes.database)
    k = whole_number("neighbours", k, 1, size, f"a whole number from 1 to {size}, the size of the database")
    index: Any = ranked_index(fitted.stored, codes, fitted.run.device, fitted.method)
    encode = new_queries(fitted)
    index.search(encode(x[:1], no_log), k)
    start = time.perf_counter()
    queries = encode(x, log)
    encoded = time.perf_counter()
    rows, distances = index.search(queries, k)
    searched = time.perf_counter()
    labels = codes.database_labels
    assert labels.ndim == 2  # class numbers are of codes from elsewhere, which have no method
    times = encoded - start, searched - encoded
    return Found(codes.database_items[rows], distances, labels[rows].astype(np.bool_), *times, size)
