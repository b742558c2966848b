"""Exact search on bit planes, by kernels compiled for this CPU."""

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.search.bit_planes import bit_planes
from hashbench.search.compiled import counter_rows, flips, needed_kernels, use_torchs_threads, weights

_TOGETHER = 32  # queries that a thread takes through the database at a time, so that a block is read once for all


class ByPlanes:
    """The bits of all codes as planes, as large as the packed codes."""

    def __init__(self, database: Codes) -> None:
        self._planes = bit_planes(database.packed)

    def nearest(self, query: Codes, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Int64 ids and int32 distances [q, k], nearest first, of equally near ones the lower number first.

        Raises:
            RuntimeError: there are no compiled kernels here.
        """
        compiled = needed_kernels()
        together = min(_TOGETHER, -(-len(query) // use_torchs_threads()))
        ids, distances = np.empty((len(query), k), dtype=np.int64), np.empty((len(query), k), dtype=np.int32)
        if len(query):
            planes, own = self._planes, flips(query)
            compiled.find_nearest(
                planes.words,
                planes.items,
                own,
                weights(query),
                counter_rows(query),
                query.bits,
                together,
                ids,
                distances,
            )
        return ids, distances
