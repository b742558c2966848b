"""Exact search on bit planes, by kernels compiled for this CPU."""

import math

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.search.bit_planes import TILE, BitPlanes, bit_planes, plane_words
from hashbench.search.compiled import counter_rows, flips, runs, weights
from hashbench.search.numba_cache import use_torchs_threads

_TOGETHER = 32  # queries that a thread takes through the database at a time, so that a block is read once for all
_FEW_TILES = 16  # all of which are as good as a sample
_KEYS = 1 << 20  # nearest items that a thread has at hand, of all its queries


class ByPlanes:
    """The bits of all codes as planes, as large as the packed codes, and some of them once more as a sample."""

    def __init__(self, database: Codes) -> None:
        """Take the codes of all items.

        Raises:
            RuntimeError: there are no compiled kernels here.
        """
        self._planes = bit_planes(database.packed)
        self._sample = _sample(self._planes)

    def nearest(self, query: Codes, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Int64 ids and int32 distances [q, k], nearest first, of equally near ones the lower number first."""
        from hashbench.search.nearest_kernels import find_nearest

        ids, distances = np.empty((len(query), k), dtype=np.int64), np.empty((len(query), k), dtype=np.int32)
        planes, sample = self._planes, self._sample
        database = planes.words, planes.items, sample.words, sample.items, _rank(k, sample.items / planes.items)
        for rows in runs(query):
            part = query[rows]
            find_nearest(
                database,
                flips(part),
                weights(part),
                counter_rows(part),
                part.bits,
                _together(len(part), k),
                ids[rows],
                distances[rows],
            )
        return ids, distances


def _together(queries: int, k: int) -> int:
    """How many queries a thread takes at a time, so that all threads have as many and none has too many at hand."""
    threads = use_torchs_threads()
    rounds = -(-queries // (threads * max(1, min(_TOGETHER, _KEYS // k))))
    return -(-queries // (threads * rounds))


def _sample(planes: BitPlanes) -> BitPlanes:
    """Tiles from all over the planes, about the square root of their number; the planes themselves where they are few.

    A larger one takes longer to read, a smaller one guesses worse and lets more items through.
    """
    whole = planes.items // TILE
    tiles = round(math.sqrt(whole))
    if whole < _FEW_TILES:
        return planes
    words = plane_words(tiles * TILE, planes.words.shape[1])
    words[:] = planes.words[np.arange(tiles) * whole // tiles]
    return BitPlanes(words, tiles * TILE)


def _rank(k: int, share: float) -> int:
    """The rank in a sample, which has this share of all items, that hardly ever comes before the ``k``-th of all."""
    spread = math.sqrt(k * share * (1 - share))
    return min(k, math.ceil(k * share + 4 * spread + 4 * (1 - share)))
