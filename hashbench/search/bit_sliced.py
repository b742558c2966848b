"""The backend for CPUs: bit planes, and kernels compiled by numba."""

from typing import cast

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.search.backend import Backend, Gains, IntArray, LabelPair, LabelSide
from hashbench.search.bit_planes import BitPlanes, bit_planes, class_planes, database_chunks, label_planes
from hashbench.search.bit_sliced_index import BitSlicedIndex
from hashbench.search.kernels import count_distances, count_graded, count_pairs
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
        query_labels, first = _label_lists(labels[0])
        class_bits = _class_bits(query_labels, labels[1])
        for chunk in database_chunks(len(database), _CHUNK_ITEMS):
            planes, classes = bit_planes(database.packed[chunk]), _planes(labels[1][chunk], class_bits)
            for part in query_chunks(queries):
                count_distances(
                    planes.words,
                    classes.words,
                    class_bits,
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

    def graded_histograms(
        self, queries: Codes, database: Codes, labels: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
    ) -> tuple[IntArray, IntArray, Gains]:
        """See :class:`Backend`."""
        threads, bits_of_counter = use_torchs_threads(), counter_bits(queries)
        items, hits, shared = np.zeros((3, len(queries), 8 * queries.packed.shape[1] + 1), dtype=np.int64)
        exponential = np.zeros(items.shape)
        query_labels, first = _label_lists(labels[0])
        own = np.diff(first)
        most = own.max()
        at_least = np.zeros((len(queries), max(most, 1)), dtype=np.int64)  # the kernel marks a first level in any case
        for chunk in database_chunks(len(database), _CHUNK_ITEMS):
            planes, classes = bit_planes(database.packed[chunk]), label_planes(labels[1][chunk])
            for part in query_chunks(queries):
                count_graded(
                    planes.words,
                    classes.words,
                    query_masks(queries[part]),
                    query_labels,
                    first[part.start : part.stop + 1],
                    bits_of_counter,
                    threads,
                    *(table[part] for table in (items, hits, shared, exponential, at_least)),
                )
            items[np.arange(len(queries)), popcounts(queries)] -= planes.padding  # codes of zeros, without labels
        items, hits, shared = (table[:, : queries.bits + 1].copy() for table in (items, hits, shared))
        return items, hits, Gains(shared, exponential[:, : queries.bits + 1].copy(), at_least[:, :most], own)

    def index(self, database: Codes) -> BitSlicedIndex:
        """See :class:`Backend`."""
        return BitSlicedIndex(database)

    def pair_counts(self, codes: Codes) -> IntArray:
        """See :class:`Backend`."""
        counts = np.zeros((8 * codes.packed.shape[1],) * 2, dtype=np.int64)
        for chunk in database_chunks(len(codes), _CHUNK_ITEMS):
            count_pairs(bit_planes(codes.packed[chunk]).words, counts)
        return counts[: codes.bits, : codes.bits]


def _label_lists(labels: LabelSide) -> tuple[IntArray, IntArray]:
    """The labels of all items, one item behind the other, and where those of each begin, int64 [n + 1]."""
    ends = np.arange(len(labels) + 1)
    if labels.ndim == 1:
        return cast("IntArray", labels), ends
    rows, columns = np.nonzero(labels)
    return columns, np.searchsorted(rows, ends)


def _class_bits(query_labels: IntArray, database: LabelSide) -> int:
    """How many bits class numbers plus one of both sides have; 0 where items may have several classes."""
    if database.ndim > 1:
        return 0
    return int(max(query_labels.max(initial=0), database.max()) + 1).bit_length()


def _planes(labels: LabelSide, class_bits: int) -> BitPlanes:
    """Planes of an item's class number, or of its labels."""
    if class_bits:
        return class_planes(cast("IntArray", labels), class_bits)
    return label_planes(cast("npt.NDArray[np.bool_]", labels))
