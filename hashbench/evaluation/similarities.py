"""Groups of equal similarity: the ranking by real-valued features with which Hamming rankings are compared."""

from collections.abc import Generator
from contextlib import closing

import torch
from torch import Tensor

from hashbench.dataset import Distance
from hashbench.evaluation.feature_rows import FeatureRows, Features, feature_rows, row_blocks
from hashbench.evaluation.histograms import Histograms, check_sizes
from hashbench.evaluation.relevance import Labels, label_pair
from hashbench.evaluation.score_blocks import RankedBlock, block_numbers, first_equal, ranked_blocks

_HASH_SEED = 0
_SCRAMBLE = -7046029254386353131  # 2^64 / golden ratio, odd


class FeatureSimilarities:
    """Similarities of float features, compared block by block; see :func:`similarity_histograms`.

    Attributes:
        queries, items: how many there are.
        device: where they are compared.
        numbers: of one row.
        first: int64 [items], for each row of the database the first that equals it; None where all differ.
    """

    def __init__(self, query: Features, database: Features, device: torch.device | str, distance: Distance) -> None:
        """Look at all rows once.

        Raises:
            ValueError: dimensions differ, numbers that are not finite, or a side is empty.
        """
        self.device, self._distance = torch.device(device), distance
        self._query, self._database = feature_rows(query, "query"), feature_rows(database, "database")
        self.queries, self.items, self.numbers = len(self._query), len(self._database), self._query.dimension
        check_sizes(self.queries, self.items)
        if self.numbers != self._database.dimension:
            raise ValueError(
                f"features: queries have {self.numbers} dimensions and the database {self._database.dimension}"
            )
        self._query_lengths, _ = _survey(self._query, "query", self.device)
        self._lengths, hashes = _survey(self._database, "database", self.device)
        self.first = first_equal(hashes)

    def fill(self, queries: slice, result: Tensor) -> None:
        """Write the similarity of some queries to every item, more is nearer, into float32 [queries, items]."""
        rows = self._query[queries].to(self.device)
        unit = rows / self._query_lengths[queries, None] if self._distance == "cosine" else rows
        step = max(1, block_numbers(self.device) // max(unit.shape))
        for part, block in row_blocks(self._database, step, self.device):
            products = torch.mm(unit, block.T, out=result[:, part])
            if self._distance == "cosine":
                products.div_(self._lengths[part])
            elif self._distance == "l2":  # less the query's own square
                products.mul_(2).sub_(block.square().sum(dim=1))


def similarity_histograms(
    query: Features,
    database: Features,
    query_labels: Labels,
    database_labels: Labels,
    device: torch.device | str = "cpu",
    distance: Distance = "cosine",
) -> Generator[Histograms, None, None]:
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
            tables of 2^21 of them (twice 2^25), or of one query (two); see :func:`ranked_blocks`.
        distance: "cosine"; "l2", of features that lie around zero, as a distance far from it loses digits; or "ip".

    Raises:
        ValueError: dimensions differ, numbers that are not finite, a side is empty, or labels do not fit.
    """
    compared = FeatureSimilarities(query, database, device, distance)
    labels = label_pair(query_labels, database_labels, compared.queries, compared.items)
    return _histograms(ranked_blocks(compared, labels))


def _histograms(blocks: Generator[RankedBlock, None, None]) -> Generator[Histograms, None, None]:
    with closing(blocks):
        for block in blocks:
            if block.histograms is not None:
                yield block.histograms


def _survey(rows: FeatureRows, name: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Lengths, float32 [n], and hashes, int64 [n], of rows that must be finite."""
    weights = hash_weights(rows.dimension, device)
    lengths = torch.empty(len(rows), device=device)
    hashes = torch.empty(len(rows), dtype=torch.int64, device=device)
    for part, block in row_blocks(rows, max(1, block_numbers(device) // rows.dimension), device):
        if not bool(torch.isfinite(block).all()):
            raise ValueError(f"features: {name} has numbers that are not finite (NaN or infinite)")
        lengths[part], hashes[part] = _lengths(block), hash_patterns((block + 0.0).view(torch.int32), weights)
    return lengths, hashes


def hash_weights(numbers: int, device: torch.device) -> Tensor:
    """Random weights of :func:`hash_patterns`, int64 [numbers], the same each time."""
    generator = torch.Generator().manual_seed(_HASH_SEED)
    return torch.randint(-(1 << 63), (1 << 63) - 1, (numbers,), generator=generator).to(device)


def hash_patterns(patterns: Tensor, weights: Tensor) -> Tensor:
    """Int64 [n]: scrambled bit patterns times random weights, summed modulo 2^64, so in any order the same.

    Round numbers end in zero bits, which a product alone would keep: hence the multiply and fold before it.

    Args:
        patterns: int32 [n, w], of equal rows equal.
        weights: int64 [w].
    """
    scrambled = patterns.long() * _SCRAMBLE
    scrambled ^= scrambled >> 32
    return scrambled.mul_(weights).sum(dim=1)


def _lengths(rows: Tensor) -> Tensor:
    """Float [n], 1 for rows of zeros, whose products are 0 already."""
    lengths = torch.linalg.vector_norm(rows, dim=1)
    return torch.where(lengths > 0, lengths, 1)
