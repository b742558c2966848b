"""Rankings by scores that are computed block by block: groups of equal ones, and where neighbours stand."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.evaluation.histograms import Histograms
from hashbench.evaluation.neighbours import Neighbours, Places
from hashbench.evaluation.ranking import FloatArray
from hashbench.evaluation.relevance import labels_are_graded
from hashbench.search.backend import Gains, LabelPair
from hashbench.search.shared_labels import count_shared, labels_on, share_label
from hashbench.util.device import batch_items
from hashbench.util.prefetch import prefetch_from


class _Sizes(NamedTuple):
    """How much is in memory at a time: numbers of a block of rows, pairs compared, and pairs ranked."""

    block: int
    compared: int
    ranked: int


_CPU, _GPU = _Sizes(1 << 20, 1 << 25, 1 << 21), _Sizes(1 << 24, 1 << 28, 1 << 25)
_BYTES = _Sizes(16, 16, 64)  # of a number or a pair, with what is computed of it; a GPU with less memory has fewer


class Similarities(Protocol):
    """What items are ranked by: a number for each pair, more is nearer, equal ones tie.

    Attributes:
        queries, items: how many there are.
        device: where the ranking runs.
        numbers: that are held of one query.
        first: int64 [items], for each item the first that can be told from it by no query; None where all differ.
    """

    queries: int
    items: int
    device: torch.device
    numbers: int
    first: Tensor | None

    def fill(self, queries: slice, result: Tensor) -> None:
        """Write the similarity of some queries to every item into ``result``, float32 [queries, items]."""


@dataclass(frozen=True, eq=False)
class RankedBlock:
    """The ranking of some queries.

    Attributes:
        histograms: groups of equal similarity in descending order; None without labels.
        places: where the neighbours of these queries stand; None where there are none.
        tied: float64 [queries], share of the first ``k`` ranks that tie with another item; empty with labels, where
            the groups say so.
    """

    histograms: Histograms | None
    places: Places | None
    tied: FloatArray


def block_numbers(device: torch.device) -> int:
    """How many numbers of features a block has."""
    return _sizes(device).block


def ranked_blocks(
    similarities: Similarities, labels: LabelPair | None, neighbours: Neighbours | None = None, k: int = 1
) -> Generator[RankedBlock, None, None]:
    """Rank the database for one block of queries after the other.

    As many queries are compared at once as fit, so that the database is read few times, and a few ranked at a time.
    A GPU ranks the next block, in a thread, while the caller computes with the last one, so the host holds two; close
    the blocks to end the thread where not all of them are read.

    Args:
        similarities: what is ranked by.
        labels: of queries and database, of :func:`hashbench.evaluation.relevance.label_pair`.
        neighbours: of all queries.
        k: of :attr:`RankedBlock.tied`.
    """
    return prefetch_from(_ranked_blocks(similarities, labels, neighbours, k), similarities.device)


def _ranked_blocks(
    similarities: Similarities, labels: LabelPair | None, neighbours: Neighbours | None, k: int
) -> Iterator[RankedBlock]:
    device, items = similarities.device, similarities.items
    sizes = _sizes(device)
    step = min(similarities.queries, max(1, sizes.compared // max(items, similarities.numbers)))
    similarity = torch.empty(step, items, device=device)
    relevance = None if labels is None else _Relevance(labels, step, device)
    for start in range(0, similarities.queries, step):
        part = slice(start, min(start + step, similarities.queries))
        similarities.fill(part, similarity[: part.stop - start])
        if relevance is not None:
            relevance.fill(part, max(1, sizes.block // max(part.stop - start, similarities.numbers)))
        ranked = max(1, sizes.ranked // items)
        for first in range(0, part.stop - start, ranked):
            few = slice(first, min(first + ranked, part.stop - start))
            values = similarity[few] if similarities.first is None else similarity[few, similarities.first]
            queries = slice(start + few.start, start + few.stop)
            own = None if neighbours is None else neighbours.part(queries)
            yield _ranked(values, None if relevance is None else relevance.groups(values, few, queries), own, k)


def first_equal(hashes: Tensor) -> Tensor | None:
    """Int64 [n]: for each row the first one that equals it; None where all rows differ.

    Rows are compared by a 64-bit hash, int64 [n]; among a million different rows the chance that any two share theirs
    is below 1e-5.
    """
    _, group = torch.unique(hashes, return_inverse=True)
    groups = int(group.max()) + 1
    if groups == len(hashes):
        return None
    rows = torch.arange(len(hashes), device=hashes.device)
    first = torch.full((groups,), len(hashes), device=hashes.device).scatter_reduce_(0, group, rows, "amin")
    return first[group]


def _sizes(device: torch.device) -> _Sizes:
    if device.type == "cpu":
        return _CPU
    return _Sizes(*(batch_items(device, most, size) for most, size in zip(_GPU, _BYTES, strict=True)))


class _Relevance:
    """Whether pairs of a block share a label, or how many."""

    def __init__(self, labels: LabelPair, step: int, device: torch.device) -> None:
        self._labels, self._device = labels, device
        graded = labels_are_graded(labels)
        self._own = np.count_nonzero(labels[0], axis=1) if graded else None
        dtype = torch.int32 if graded else torch.bool
        self._shared = torch.empty(step, len(labels[1]), dtype=dtype, device=device)

    def fill(self, queries: slice, step: int) -> None:
        """Compare some queries with the whole database, ``step`` items at a time."""
        query = labels_on(self._labels[0][queries], self._device)
        compare = share_label if self._own is None else count_shared
        for start in range(0, len(self._labels[1]), step):
            part = slice(start, start + step)
            self._shared[: len(query), part] = compare(query, labels_on(self._labels[1][part], self._device))

    def groups(self, similarity: Tensor, few: slice, queries: slice) -> Histograms:
        """The histograms of the queries in these rows of the block, which have these numbers."""
        return _groups(similarity, self._shared[few], None if self._own is None else self._own[queries])


def _ranked(similarity: Tensor, groups: Histograms | None, neighbours: Neighbours | None, k: int) -> RankedBlock:
    if groups is not None and neighbours is None:
        return RankedBlock(groups, None, np.empty(0))
    distances = sorted_rows(0.0 - similarity)
    tied = np.empty(0) if groups is not None else _tied(distances, k)
    return RankedBlock(groups, None if neighbours is None else _places(similarity, distances, neighbours), tied)


def _places(similarity: Tensor, distances: Tensor, neighbours: Neighbours) -> Places:
    """Where neighbours stand, of float32 [q, n] and the same with its sign turned and sorted."""
    owners, rows = (torch.from_numpy(each).to(similarity.device) for each in (neighbours.owners, neighbours.rows))
    places = torch.arange(len(owners), device=similarity.device)
    places = places - torch.from_numpy(neighbours.starts[:-1]).to(similarity.device)[owners]
    own = torch.zeros(len(similarity), int(places.max()) + 1, device=similarity.device)
    own[owners, places] = 0.0 - similarity[owners, rows]
    before, through = (torch.searchsorted(distances, own, right=right)[owners, places] for right in (False, True))
    return Places(before.cpu().numpy(), (through - before).cpu().numpy())


def _tied(distances: Tensor, k: int) -> FloatArray:
    """Share of the first k ranks that tie with another item, of sorted float32 [q, n]."""
    top = distances[:, : k + 1]
    equal = (top[:, 1:] == top[:, :-1]).cpu().numpy()
    none = np.zeros((len(top), 1), dtype=np.bool_)
    tied = np.hstack([none, equal]) | np.hstack([equal, none])
    shares: FloatArray = tied[:, :k].mean(axis=1)
    return shares


def _groups(similarity: Tensor, shared: Tensor, own: npt.NDArray[np.int64] | None = None) -> Histograms:
    """Count runs of equal values in descending order, of float32 [q, n] and bool or int32 [q, n].

    The bit pattern of a float, its magnitude bits flipped when it is negative, is a whole number in the same order;
    with the relevance or the shared labels as lowest bits, plain sorting replaces sorting with indices.

    Args:
        similarity: of the pairs.
        shared: whether they share a label, or how many.
        own: labels of the queries, where relevance is graded.
    """
    bits = 1 if own is None else int(own.max(initial=1)).bit_length()
    pattern = (similarity + 0.0).view(torch.int32)
    ascending = pattern ^ ((pattern >> 31) & 0x7FFFFFFF)
    keys = sorted_rows(torch.bitwise_not(ascending).long() * (1 << bits) + shared)
    group = torch.zeros_like(keys)
    torch.cumsum((keys[:, 1:] >> bits) != (keys[:, :-1] >> bits), dim=1, out=group[:, 1:])
    keys &= (1 << bits) - 1
    counts = torch.zeros(2, len(group), int(group[:, -1].max()) + 1, dtype=torch.int64, device=group.device)
    counts[0].scatter_add_(1, group, torch.ones_like(group))
    counts[1].scatter_add_(1, group, keys if own is None else (keys > 0).long())
    items, hits = counts.cpu().numpy()
    return Histograms(items, hits, None if own is None else _gains(group, counts.shape[2], keys, own))


def _gains(group: Tensor, groups: int, shared: Tensor, own: npt.NDArray[np.int64]) -> Gains:
    """Gains of groups, from the group and the shared labels of every pair, int64 [q, n], and labels of the queries."""
    sums = torch.zeros(len(group), groups, dtype=torch.int64, device=group.device).scatter_add_(1, group, shared)
    most = torch.as_tensor(own, device=group.device)[:, None]
    gains = torch.exp2((shared - most).double()) - torch.exp2(-most.double())
    exponential = torch.zeros(sums.shape, dtype=torch.float64, device=group.device).scatter_add_(1, group, gains)
    at_least = torch.stack([(shared > level).sum(dim=1) for level in range(int(own.max(initial=1)))], dim=1)
    return Gains(sums.cpu().numpy(), exponential.cpu().numpy(), at_least.cpu().numpy(), own)


def sorted_rows(keys: Tensor) -> Tensor:
    """Each row in ascending order; on the CPU by numpy, whose sort is an order of magnitude faster than torch's."""
    if keys.device.type != "cpu":
        return keys.sort(dim=1).values
    keys.numpy().sort(axis=1)
    return keys
