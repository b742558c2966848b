"""Groups of equal cosine similarity: the ranking by real-valued features that Hamming rankings are held against."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.evaluation.histograms import Histograms, check_sizes
from hashbench.evaluation.relevance import Labels, label_pair

Features = npt.NDArray[Any] | Tensor

_HASH_SEED = 0
_SCRAMBLE = -7046029254386353131  # 2^64 / golden ratio, odd


def similarity_histograms(
    query: Features,
    database: Features,
    query_labels: Labels,
    database_labels: Labels,
    device: torch.device | str = "cpu",
) -> Iterator[Histograms]:
    """Groups of equal similarity in descending order, for one block of queries after the other.

    Similarity is the cosine in float32, and two items tie where these are equal. A matrix product may round the same
    row differently at different places, so equal rows of the database all take the similarity of the first of them.
    A row of zeros has similarity 0 to everything. Queries with fewer groups than others end in empty ones.

    Args:
        query: float [q, d], centred by the caller with the mean of the training set.
        database: float [n, d], likewise.
        query_labels: class numbers [q] or bool [q, classes]; items are relevant that share a label.
        database_labels: class numbers [n] or bool [n, classes].
        device: where the ranking runs; beside the features, its memory is that of one block of queries.

    Raises:
        ValueError: dimensions differ, numbers that are not finite, a side is empty, or labels do not fit.
    """
    device = torch.device(device)
    queries, items = _unit_rows(_features(query, "query", device)), _features(database, "database", device)
    check_sizes(len(queries), len(items))
    if queries.shape[1] != items.shape[1]:
        raise ValueError(f"features: queries have {queries.shape[1]} dimensions and the database {items.shape[1]}")
    labels = label_pair(query_labels, database_labels, len(queries), len(items))
    query_hot, item_hot = (torch.tensor(side, dtype=torch.float32, device=device) for side in labels)
    return _blocks(queries, items, query_hot, item_hot)


def _blocks(query: Tensor, database: Tensor, query_hot: Tensor, item_hot: Tensor) -> Iterator[Histograms]:
    lengths, first = _lengths(database), _first_equal(database)
    step = max(1, (1 << (21 if query.device.type == "cpu" else 25)) // len(database))
    for start in range(0, len(query), step):
        part = slice(start, start + step)
        similarity = (query[part] @ database.T).div_(lengths)
        if first is not None:
            similarity = similarity[:, first]
        yield _groups(similarity, query_hot[part] @ item_hot.T > 0)


def _groups(similarity: Tensor, relevant: Tensor) -> Histograms:
    """Count runs of equal values in descending order, of float32 [q, n] and bool [q, n].

    The bit pattern of a float, its magnitude bits flipped when it is negative, is a whole number in the same order;
    with the relevance as lowest bit, plain sorting replaces sorting with indices.
    """
    pattern = (similarity + 0.0).view(torch.int32)
    ascending = pattern ^ ((pattern >> 31) & 0x7FFFFFFF)
    keys = _sorted(torch.bitwise_not(ascending).long() * 2 + relevant)
    group = torch.zeros_like(keys)
    torch.cumsum((keys[:, 1:] >> 1) != (keys[:, :-1] >> 1), dim=1, out=group[:, 1:])
    counts = torch.zeros(2, len(group), int(group[:, -1].max()) + 1, dtype=torch.int64, device=group.device)
    counts[0].scatter_add_(1, group, torch.ones_like(group))
    counts[1].scatter_add_(1, group, keys & 1)
    items, hits = counts.cpu().numpy()
    return Histograms(items, hits)


def _sorted(keys: Tensor) -> Tensor:
    """Each row in ascending order; on the CPU by numpy, whose sort is an order of magnitude faster than torch's."""
    if keys.device.type != "cpu":
        return keys.sort(dim=1).values
    keys.numpy().sort(axis=1)
    return keys


def _first_equal(rows: Tensor) -> Tensor | None:
    """Int64 [n]: for each row the first one that equals it; None where all rows differ.

    Rows are told apart by a 64-bit hash (:func:`_hash`); among a million different rows the chance that any two share
    theirs is below 1e-5.
    """
    generator = torch.Generator().manual_seed(_HASH_SEED)
    weights = torch.randint(-(1 << 63), (1 << 63) - 1, (rows.shape[1],), generator=generator).to(rows.device)
    parts = torch.split(rows, max(1, (1 << 22) // rows.shape[1]))
    _, group = torch.unique(torch.cat([_hash(part, weights) for part in parts]), return_inverse=True)
    groups = int(group.max()) + 1
    if groups == len(rows):
        return None
    places = torch.arange(len(rows), device=rows.device)
    first = torch.full((groups,), len(rows), device=rows.device).scatter_reduce_(0, group, places, "amin")
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


def _unit_rows(rows: Tensor) -> Tensor:
    return rows / _lengths(rows)[:, None]


def _features(values: Features, name: str, device: torch.device) -> Tensor:
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.require(values, requirements="W"))
    if not tensor.is_floating_point() or tensor.ndim != 2 or tensor.shape[1] == 0:
        raise ValueError(f"features: {name} is {tensor.dtype} {list(tensor.shape)}, wanted float [n, d]")
    rows = tensor.detach().to(device, torch.float32)
    if not bool(torch.isfinite(rows).all()):
        raise ValueError(f"features: {name} has numbers that are not finite (NaN or infinite)")
    return rows
