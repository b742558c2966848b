"""Codes that are ranked by scores of their own instead of by Hamming distance."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.evaluation.score_blocks import block_numbers, first_equal
from hashbench.evaluation.similarities import hash_patterns, hash_weights
from hashbench.search.scan import ScanIndex
from hashbench.search.signed_products import signed_products

Score = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Scores, float32 [q, n], less is nearer, of queries [q, p], packed codes uint8 [n, bytes] and factors [n, f]."""

_WORD_BYTES = 4


@dataclass(frozen=True, eq=False)
class ScoredCodes:
    """The codes of a database and the queries that they are scored against, all on one device.

    Attributes:
        score: what they are ranked by.
        rows: of the queries, float32 [q, p]: what the method made of each.
        packed: of the database, uint8 [n, ceil(bits / 8)].
        factors: of the database, float32 [n, f]; f may be 0.
    """

    score: Score
    rows: Tensor
    packed: Tensor
    factors: Tensor

    @property
    def bytes_per_item(self) -> int:
        """What a database keeps of an item: its code and its factors."""
        return self.packed.shape[1] + self.factors.shape[1] * self.factors.element_size()

    def index(self) -> ScanIndex:
        """The database, to be searched."""
        return ScanIndex(self._scores, len(self.packed), self.bytes_per_item, self.rows.device)

    def similarities(self) -> "ScoreSimilarities":
        """What the database is ranked by for each of the queries."""
        return ScoreSimilarities(self)

    def _scores(self, rows: Tensor, items: slice) -> Tensor:
        return self.score(rows, self.packed[items], self.factors[items])


class ScoreSimilarities:
    """Less the scores, as :class:`hashbench.evaluation.score_blocks.Similarities`.

    Items of the same code and factors tie, however their scores are rounded.
    """

    def __init__(self, codes: ScoredCodes) -> None:
        self.queries, self.items = len(codes.rows), len(codes.packed)
        self.device, self.numbers = codes.rows.device, codes.rows.shape[1]
        self.first = first_equal(_hashes(codes.packed, codes.factors))
        self._codes = codes

    def fill(self, queries: slice, result: Tensor) -> None:
        """Write less the scores of some queries into ``result``, float32 [queries, items].

        Raises:
            ValueError: a score is not finite.
        """
        rows = self._codes.rows[queries]
        step = max(1, 16 * block_numbers(self.device) // max(len(rows), 1))
        with torch.inference_mode():
            for start in range(0, self.items, step):
                part = slice(start, min(start + step, self.items))
                torch.neg(self._codes._scores(rows, part), out=result[:, part])
        if not bool(torch.isfinite(result).all()):
            raise ValueError("scores of queries and codes are not finite (NaN or infinite)")


def asymmetric_codes(projections: Tensor, database: Codes) -> ScoredCodes:
    """Codes in {-1, +1} ranked by their inner product with real queries, the largest nearest.

    Args:
        projections: of the queries, float32 [q, bits] on the device of the ranking.
        database: their codes.
    """
    packed = torch.from_numpy(database.packed).to(projections.device)
    none = torch.empty(len(database), 0, device=projections.device)
    return ScoredCodes(lambda rows, codes, _factors: -signed_products(rows, codes), projections, packed, none)


def _hashes(packed: Tensor, factors: Tensor) -> Tensor:
    """Int64 [n], equal for items of the same code and factors."""
    words = -(-packed.shape[1] // _WORD_BYTES)
    weights = hash_weights(words + factors.shape[1], packed.device)
    step = max(1, block_numbers(packed.device) // len(weights))
    hashes = [
        _hash(*parts, words, weights)
        for parts in zip(torch.split(packed, step), torch.split(factors, step), strict=True)
    ]
    return torch.cat(hashes)


def _hash(packed: Tensor, factors: Tensor, words: int, weights: Tensor) -> Tensor:
    padded = packed.new_zeros(len(packed), _WORD_BYTES * words)
    padded[:, : packed.shape[1]] = packed
    return hash_patterns(torch.cat([padded.view(torch.int32), (factors + 0.0).view(torch.int32)], dim=1), weights)
