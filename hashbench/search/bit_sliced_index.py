"""Exact top-k on bit planes."""

import math

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.search.backend import Index, IntArray
from hashbench.search.bit_planes import BitPlanes, bit_planes, packed_rows, plane_words
from hashbench.search.layout import TILE_ITEMS
from hashbench.search.nearest_kernels import find_nearest
from hashbench.search.numba_cache import use_torchs_threads
from hashbench.search.query_masks import counter_bits, popcounts, query_chunks, query_masks

_BATCH_QUERIES = 32  # that a thread takes through the database together, so that a block is read once for all of them
_THREAD_ITEMS = 1 << 20  # nearest items that a thread holds, of all queries of its batch
_FEW_TILES = 16  # all of which are as good as a sample


class BitSlicedIndex(Index):
    """The bits of all codes as planes, as large as the packed codes, and some of them once more as a sample."""

    def __init__(self, database: Codes) -> None:
        self._planes = bit_planes(database.packed)
        self._sample = _sample(self._planes)

    def packed(self) -> npt.NDArray[np.uint8]:
        """See :class:`Index`."""
        return packed_rows(self._planes)

    def topk(self, queries: Codes, k: int) -> tuple[IntArray, npt.NDArray[np.int32]]:
        """See :class:`Index`."""
        ids, distances = np.empty((len(queries), k), dtype=np.int64), np.empty((len(queries), k), dtype=np.int32)
        planes, sample = self._planes, self._sample
        rank = _sample_rank(k, sample.items / planes.items)
        for rows in query_chunks(queries):
            part = queries[rows]
            find_nearest(
                (planes.words, planes.items, sample.words, sample.items, rank),
                query_masks(part),
                popcounts(part),
                counter_bits(part),
                part.bits,
                _batch_queries(len(part), k),
                ids[rows],
                distances[rows],
            )
        return ids, distances


def _batch_queries(queries: int, k: int) -> int:
    """How many queries a thread takes at a time, so that all threads have as many and none holds too many items."""
    threads = use_torchs_threads()
    rounds = -(-queries // (threads * max(1, min(_BATCH_QUERIES, _THREAD_ITEMS // k))))
    return -(-queries // (threads * rounds))


def _sample(planes: BitPlanes) -> BitPlanes:
    """Tiles from all over the planes, about the square root of their number; the planes themselves where they are few.

    A larger sample takes longer to read, a smaller one guesses worse and lets more items through.
    """
    whole_tiles = planes.items // TILE_ITEMS
    tiles = round(math.sqrt(whole_tiles))
    if whole_tiles < _FEW_TILES:
        return planes
    words = plane_words(tiles * TILE_ITEMS, planes.words.shape[1])
    words[:] = planes.words[np.arange(tiles) * whole_tiles // tiles]
    return BitPlanes(words, tiles * TILE_ITEMS)


def _sample_rank(k: int, fraction: float) -> int:
    """The rank in a sample, which has this fraction of all items, that hardly ever comes before the ``k``-th of all."""
    spread = math.sqrt(k * fraction * (1 - fraction))
    return min(k, math.ceil(k * fraction + 4 * spread + 4 * (1 - fraction)))
