"""The average precision of each query, from the file beside a record."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hashbench.errors import UsageError
from hashbench.evaluation.headline import HEADLINE, NEIGHBOURS_HEADLINE

ARRAYS = {HEADLINE: "average_precision", NEIGHBOURS_HEADLINE: "neighbour_recall"}


@dataclass(frozen=True, eq=False)
class PerQuery:
    """The score of each query; enough to compare two methods on the same queries.

    Attributes:
        items: int64 [q], the data set's item numbers, ascending.
        average_precision: float64 [q], the headline metric of each; NaN where nothing is relevant.
    """

    items: npt.NDArray[np.int64]
    average_precision: npt.NDArray[np.float64]

    def on_the_same_queries(self, other: "PerQuery") -> bool:
        """Whether both have the same queries."""
        return np.array_equal(self.items, other.items)


def read_per_query(record: Path, headline: str = HEADLINE) -> PerQuery | None:
    """The figures of a headline beside the record in the file ``record``; None where it has none.

    Raises:
        UsageError: the file beside it is damaged.
    """
    file = record.with_suffix(".npz")
    if not file.is_file():
        return None
    try:
        with zipfile.ZipFile(file) as arrays:
            values, items = (_array(arrays.read(f"{name}.npy")) for name in (ARRAYS[headline], "query_items"))
        order = np.argsort(items, kind="stable")
        return PerQuery(items[order].astype(np.int64), values[order].astype(np.float64))
    except Exception as error:  # damaged archives make numpy and zipfile raise errors of many kinds
        raise UsageError(
            f"{file} cannot be read ({error}); restore it, or move its record away and run the trial again"
        ) from error


def _array(content: bytes) -> npt.NDArray[Any]:
    """What :func:`numpy.load` makes of a file of the archive; it takes twice as long for arrays this small."""
    head = 10 + int.from_bytes(content[8:10], "little")
    shape, order, dtype = _described(content[:head])
    return np.frombuffer(content, dtype, offset=head).reshape(shape, order=order)


@lru_cache(maxsize=64)  # the arrays of a folder are alike
def _described(head: bytes) -> tuple[tuple[int, ...], Literal["F", "C"], np.dtype[Any]]:
    stream = io.BytesIO(head)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"its arrays are of version {head[6]}.{head[7]} of numpy's format, wanted 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, wanted numbers")
    return shape, "F" if fortran else "C", dtype


def mean_over_repetitions(repetitions: Sequence[PerQuery]) -> PerQuery | None:
    """Query by query the mean over repetitions; None without any, or where their queries differ."""
    if not repetitions or not all(one.on_the_same_queries(repetitions[0]) for one in repetitions):
        return None
    return PerQuery(repetitions[0].items, np.mean([one.average_precision for one in repetitions], axis=0))
