"""Groups of equal similarity: the ranking by real-valued features with which Hamming rankings are compared."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.dataset import Distance
from hashbench.evaluation.feature_rows import FeatureRows, Features, feature_rows, row_blocks
from hashbench.evaluation.histograms import Histograms, check_sizes
from hashbench.evaluation.relevance import Labels, label_pair, labels_are_graded
from hashbench.search.backend import Gains, LabelSide
from hashbench.search.shared_labels import count_shared, labels_on, share_label

_HASH_SEED = 0
_SCRAMBLE = -7046029254386353131  # 2^64 / golden ratio, odd


class _Sizes(NamedTuple):
    """How much is in memory at a time: numbers of a block of rows, pairs compared, and pairs ranked."""

    block: int
    compared: int
    ranked: int


_CPU, _GPU = _Sizes(1 << 20, 1 << 25, 1 << 21), _Sizes(1 << 24, 1 << 28, 1 << 25)


class _Side(NamedTuple):
    """Queries or database: features, their lengths [n] (see :func:`_lengths`), labels."""

    rows: FeatureRows
    lengths: Tensor
    labels: LabelSide

    def labels_of(self, part: slice) -> Tensor:
        """Labels as :func:`share_label` compares them."""
        return labels_on(self.labels[part], self.lengths.device)


def similarity_histograms(
    query: Features,
    database: Features,
    query_labels: Labels,
    database_labels: Labels,
    device: torch.device | str = "cpu",
    distance: Distance = "cosine",
) -> Iterator[Histograms]:
    """Groups of equal similarity in descending order, for one block of queries after the other.

    Similarity is the cosine (or less the Euclidean distance, or the inner product) in float32, and two items tie where
    these are equal. A matrix product may round the same
    row differently at another index, so equal rows of the database all take the similarity of the first of them.
    A row of zeros has similarity 0 to everything. Queries with fewer groups than others end in empty ones.

    Args:
        query: float [q, d], centred by the caller with the mean of the training set.
        database: float [n, d], likewise. :class:`FeatureRows` are read block by block, once to check them and once
            for every 2^25 / n queries (2^28 / n on a GPU).
        query_labels: class numbers [q] or bool [q, classes]; items are relevant that share a label.
        database_labels: class numbers [n] or bool [n, classes].
        device: where the ranking runs. Its memory is that of 2^25 pairs (2^28 on a GPU) in 5 bytes each, or 8 where
            pairs may share several labels, and of the
            tables of 2^21 of them (2^25), or of one query.
        distance: "cosine"; "l2", of features that lie around zero, as a distance far from it loses digits; or "ip".

    Raises:
        ValueError: dimensions differ, numbers that are not finite, a side is empty, or labels do not fit.
    """
    device = torch.device(device)
    queries, items = feature_rows(query, "query"), feature_rows(database, "database")
    check_sizes(len(queries), len(items))
    if queries.dimension != items.dimension:
        raise ValueError(f"features: queries have {queries.dimension} dimensions and the database {items.dimension}")
    labels = label_pair(query_labels, database_labels, len(queries), len(items))
    query_lengths, _ = _survey(queries, "query", device)
    item_lengths, hashes = _survey(items, "database", device)
    sides = _Side(queries, query_lengths, labels[0]), _Side(items, item_lengths, labels[1])
    return _blocks(*sides, _first_equal(hashes), labels_are_graded(labels), distance)


def _survey(rows: FeatureRows, name: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Lengths, float32 [n], and hashes, int64 [n], of rows that must be finite."""
    generator = torch.Generator().manual_seed(_HASH_SEED)
    weights = torch.randint(-(1 << 63), (1 << 63) - 1, (rows.dimension,), generator=generator).to(device)
    lengths = torch.empty(len(rows), device=device)
    hashes = torch.empty(len(rows), dtype=torch.int64, device=device)
    for part, block in row_blocks(rows, max(1, _sizes(device).block // rows.dimension), device):
        if not bool(torch.isfinite(block).all()):
            raise ValueError(f"features: {name} has numbers that are not finite (NaN or infinite)")
        lengths[part], hashes[part] = _lengths(block), _hash(block, weights)
    return lengths, hashes


def _blocks(
    query: _Side, database: _Side, first: Tensor | None, graded: bool, distance: Distance
) -> Iterator[Histograms]:
    """Compare as many queries at once as fit, so that the database is read few times; rank a few at a time."""
    items, device = len(database.rows), query.lengths.device
    sizes = _sizes(device)
    step = min(len(query.rows), max(1, sizes.compared // max(items, query.rows.dimension)))
    similarity = torch.empty(step, items, device=device)
    shared = torch.empty(step, items, dtype=torch.int32 if graded else torch.bool, device=device)
    own = np.count_nonzero(query.labels, axis=1) if graded else None
    for part, rows in row_blocks(query.rows, step, device):
        unit = rows / query.lengths[part, None] if distance == "cosine" else rows
        _compare(unit, query.labels_of(part), database, (similarity[: len(unit)], shared[: len(unit)]), distance)
        ranked = max(1, sizes.ranked // items)
        for start in range(0, len(unit), ranked):
            few = slice(start, min(start + ranked, len(unit)))
            values = similarity[few] if first is None else similarity[few, first]
            yield _groups(values, shared[few], None if own is None else own[part][few])


def _compare(
    query: Tensor, query_labels: Tensor, database: _Side, result: tuple[Tensor, Tensor], distance: Distance
) -> None:
    """Write the similarity, float32 [q, n], and the relevance, bool [q, n], or the shared labels, of every pair."""
    similarity, shared = result
    step = max(1, _sizes(query.device).block // max(query.shape))
    for part, rows in row_blocks(database.rows, step, query.device):
        products = torch.mm(query, rows.T, out=similarity[:, part])
        if distance == "cosine":
            products.div_(database.lengths[part])
        elif distance == "l2":  # less the query's own square
            products.mul_(2).sub_(rows.square().sum(dim=1))
        compared = share_label if shared.dtype == torch.bool else count_shared
        shared[:, part] = compared(query_labels, database.labels_of(part))


def _sizes(device: torch.device) -> _Sizes:
    return _CPU if device.type == "cpu" else _GPU


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
    keys = _sorted(torch.bitwise_not(ascending).long() * (1 << bits) + shared)
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


def _sorted(keys: Tensor) -> Tensor:
    """Each row in ascending order; on the CPU by numpy, whose sort is an order of magnitude faster than torch's."""
    if keys.device.type != "cpu":
        return keys.sort(dim=1).values
    keys.numpy().sort(axis=1)
    return keys


def _first_equal(hashes: Tensor) -> Tensor | None:
    """Int64 [n]: for each row the first one that equals it; None where all rows differ.

    Rows are compared by a 64-bit hash (:func:`_hash`), int64 [n]; among a million different rows the chance that any
    two share theirs is below 1e-5.
    """
    _, group = torch.unique(hashes, return_inverse=True)
    groups = int(group.max()) + 1
    if groups == len(hashes):
        return None
    rows = torch.arange(len(hashes), device=hashes.device)
    first = torch.full((groups,), len(hashes), device=hashes.device).scatter_reduce_(0, group, rows, "amin")
    return first[group]


def _hash(rows: Tensor, weights: Tensor) -> Tensor:
    """Int64 [n]: scrambled bit patterns times random weights, summed modulo 2^64, so in any order the same.

    Round numbers end in zero bits, which a product alone would keep: hence the multiply and fold before it.
    """
    pattern = (rows + 0.0).view(torch.int32).long() * _SCRAMBLE
    pattern ^= pattern >> 32
    return pattern.mul_(weights).sum(dim=1)


def _lengths(rows: Tensor) -> Tensor:
    """Float [n], 1 for rows of zeros, whose products are 0 already."""
    lengths = torch.linalg.vector_norm(rows, dim=1)
    return torch.where(lengths > 0, lengths, 1)
