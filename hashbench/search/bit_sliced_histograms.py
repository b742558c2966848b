"""Histograms of Hamming distances on bit planes, by kernels compiled for this CPU."""

import numpy as np

from hashbench.codes import Codes
from hashbench.evaluation.ranking import IntArray
from hashbench.evaluation.relevance import MultiHot
from hashbench.search.bit_planes import bit_planes, label_planes, stretches
from hashbench.search.compiled import counter_rows, flips, needed_kernels, runs, weights
from hashbench.search.numba_cache import use_torchs_threads

_ITEMS = 1 << 20  # whose planes are made at a time


def count_by_planes(query: Codes, database: Codes, labels: tuple[MultiHot, MultiHot]) -> tuple[IntArray, IntArray]:
    """Items and relevant items at each distance, int64 [q, bits + 1] each.

    Raises:
        RuntimeError: there are no compiled kernels here.
    """
    compiled = needed_kernels()
    parts, rows_of_counters = use_torchs_threads(), counter_rows(query)
    items = np.zeros((len(query), 8 * query.packed.shape[1] + 1), dtype=np.int64)
    hits = np.zeros_like(items)
    rows, wanted = np.nonzero(labels[0])
    first = np.searchsorted(rows, np.arange(len(query) + 1))
    for stretch in stretches(len(database), _ITEMS):
        codes = bit_planes(database.packed[stretch])
        classes = label_planes(labels[1][stretch])
        for part in runs(query):
            ends = first[part.start : part.stop + 1]
            compiled.count_distances(
                codes.words,
                classes.words,
                flips(query[part]),
                wanted,
                ends,
                rows_of_counters,
                parts,
                items[part],
                hits[part],
            )
        # What fills up the last tile has codes of zeros and no labels.
        items[np.arange(len(query)), weights(query)] -= codes.filled_up
    return items[:, : query.bits + 1].copy(), hits[:, : query.bits + 1].copy()
