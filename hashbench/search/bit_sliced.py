"""The backend for CPUs: bit planes, and kernels compiled by numba."""

import numpy as np

from hashbench.codes import Codes
from hashbench.search.backend import Backend, IntArray, LabelPair
from hashbench.search.bit_planes import bit_planes, database_chunks, label_planes
from hashbench.search.bit_sliced_index import BitSlicedIndex
from hashbench.search.kernels import count_distances, count_pairs
from hashbench.search.numba_cache import use_torchs_threads
from hashbench.search.query_masks import counter_bits, popcounts, query_chunks, query_masks

_CHUNK_ITEMS = 1 << 20  # whose planes are made at a time


class BitSlicedBackend(Backend):
    """Compares 512 items at a time, on as many threads as torch uses."""

    def histograms(self, queries: Codes, database: Codes, labels: LabelPair) -> tuple[IntArray, IntArray]:
        """See :class:`Backend`."""
        threads, bits_of_counter = use_torchs_threads(), counter_bits(queries)
        items = np.zeros((len(queries), 8 * queries.packed.shape[1] + 1), dtype=np.int64)
        hits = np.zeros_like(items)
        rows, query_labels = np.nonzero(labels[0])
        first = np.searchsorted(rows, np.arange(len(queries) + 1))
        for chunk in database_chunks(len(database), _CHUNK_ITEMS):
            planes, classes = bit_planes(database.packed[chunk]), label_planes(labels[1][chunk])
            for part in query_chunks(queries):
                count_distances(
                    planes.words,
                    classes.words,
                    query_masks(queries[part]),
                    query_labels,
                    first[part.start : part.stop + 1],
                    bits_of_counter,
                    threads,
                    items[part],
                    hits[part],
                )
            items[np.arange(len(queries)), popcounts(queries)] -= planes.padding  # codes of zeros, without labels
        return items[:, : queries.bits + 1].copy(), hits[:, : queries.bits + 1].copy()

    def index(self, database: Codes) -> BitSlicedIndex:
        """See :class:`Backend`."""
        return BitSlicedIndex(database)

    def pair_counts(self, codes: Codes) -> IntArray:
        """See :class:`Backend`."""
        counts = np.zeros((8 * codes.packed.shape[1],) * 2, dtype=np.int64)
        for chunk in database_chunks(len(codes), _CHUNK_ITEMS):
            count_pairs(bit_planes(codes.packed[chunk]).words, counts)
        return counts[: codes.bits, : codes.bits]
