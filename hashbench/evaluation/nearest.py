"""The exact nearest neighbours of float vectors: the ground truth of relevance by neighbours.

Candidates come from matrix products in float32 with a bound on their rounding error; the distances of the candidates
are then computed in float64, pair by pair, so that no neighbour is lost and equal vectors have equal distances.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.dataset import Distance
from hashbench.errors import UsageError
from hashbench.evaluation.feature_rows import FeatureRows, Features, feature_rows, row_blocks
from hashbench.evaluation.neighbours import Neighbours
from hashbench.util.device import batch_items
from hashbench.util.progress import Log, Progress, no_log

SPARE = 156  # candidates beside the k nearest that are kept; queries that need more are searched once more
MAX_PAIRS = 1 << 26  # of queries and candidates, in 20 bytes each
_CPU_NUMBERS, _GPU_NUMBERS = 1 << 22, 1 << 28  # of a block of rows, and of a block of distances
_LARGEST, _LEAST = 1e15, 1e-15  # of numbers whose squares and their sums float32 holds with all its digits
_NUMBER_BYTES = 32  # that selecting takes of a number on a GPU, whose memory decides how many there are


class _Pairs(NamedTuple):
    """Queries and candidates, int64 [pairs] each."""

    queries: Tensor
    rows: Tensor


@dataclass(frozen=True)
class _Search:
    """What all passes over the database need.

    Attributes:
        database: its vectors.
        distance: "l2", "cosine" or "ip".
        shift: float32 [d], taken from all vectors; it changes no l2 distance, and keeps its products small.
        queries: float32 [q, d], shifted, or of unit length under the cosine.
        numbers: of a block.
        log: gets lines of progress.
    """

    database: FeatureRows
    distance: Distance
    shift: Tensor
    queries: Tensor
    numbers: int
    log: Log

    def blocks(self, what: str) -> Iterator[tuple[slice, Tensor]]:
        """Blocks of the database as they are, with their rows."""
        progress = Progress(len(self.database), lambda line: self.log(f"{what}: {line}"), "vectors")
        step = max(1, self.numbers // self.database.dimension)
        for part, rows in row_blocks(self.database, step, self.queries.device):
            yield part, rows
            progress.done(len(rows))

    def placed(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Rows as the products take them, with their lengths."""
        if self.distance == "l2":
            rows = rows - self.shift
        lengths = torch.linalg.vector_norm(rows, dim=1)
        if self.distance == "cosine":
            rows, lengths = rows / torch.where(lengths > 0, lengths, 1)[:, None], torch.ones_like(lengths)
        return rows, lengths

    @property
    def rounding(self) -> float:
        """The largest relative error of a sum of d products, d + 10 of them to be safe."""
        return 1.01 * (self.database.dimension + 10) * torch.finfo(torch.float32).eps / 2

    def scores(self, part: slice, rows: Tensor, lengths: Tensor) -> Tensor:
        """Float32 [queries, rows], less is nearer: the distance but for what a query adds to all of its own.

        Of l2 it is the least that the distance can be, but for the query's share of the error: see :meth:`limits`.
        """
        products = self.queries[part] @ rows.T
        if self.distance == "l2":
            return products.mul_(-2).add_(lengths.square() * (1 - 2 * self.rounding))
        return products.neg_()

    def limits(self, kth: Tensor, longest: Tensor) -> Tensor:
        """The scores, float32 [queries], above which no row is as near as the k nearest.

        An l2 score of vectors as long as a and b is known to rounding (a + b)^2 <= 2 rounding (a^2 + b^2). A vector
        that is far from all others has a large error, which must not blur the ranking of those: the scores have the
        row's share, so that here only the k nearest count, which are no longer than their scores allow.

        Args:
            kth: the k-th lowest score of each query.
            longest: length of the longest row.
        """
        rounding = self.rounding
        own: Tensor = torch.linalg.vector_norm(self.queries, dim=1)
        if self.distance == "l2":
            square = own.square()
            root = (square + (1 - 4 * rounding) * (kth + 2 * rounding * square)).clamp_min(0).sqrt()
            near = torch.minimum((own + root) / (1 - 4 * rounding), longest)
            return kth + 4 * rounding * (near.square() + square)
        if self.distance == "ip":
            return kth + 2 * rounding * own * longest
        return kth + 2 * rounding * (own + longest).square()

    def query_blocks(self, rows: int) -> Iterator[slice]:
        """Parts of the queries whose distances to that many rows fill a block."""
        step = max(1, self.numbers // max(rows, 1))
        for start in range(0, len(self.queries), step):
            yield slice(start, min(start + step, len(self.queries)))


def nearest_neighbours(
    query: Features,
    database: Features,
    distance: Distance,
    k: int,
    device: torch.device | str = "cpu",
    log: Log = no_log,
) -> Neighbours:
    """The exact k nearest vectors of the database for each query, and all that tie with the last of them.

    Distances are compared in float32, rounded from float64: the squared Euclidean one, or the cosine, or the inner
    product. The time is that of the matrix products; the database is read block by block, three times or, where more
    candidates than usual are as near as the k-th, four times.

    Args:
        query: float [q, d], as they are.
        database: float [n, d].
        distance: "l2", "cosine" or "ip" (the largest inner product is the nearest).
        k: how many, at most n.
        device: where distances are computed. Its memory is that of the queries, of two blocks of 2^22 numbers (on a
            GPU up to 2^28, as its memory allows) and of 256 candidates of each query.
        log: gets lines of progress.

    Raises:
        UsageError: k is larger than the database, so many vectors tie that they are no ranking, or numbers are so
            large or so small that float32 does not hold their squares.
        ValueError: dimensions differ, or numbers are not finite.
    """
    where = torch.device(device)
    queries, items = feature_rows(query, "query"), feature_rows(database, "database")
    if queries.dimension != items.dimension:
        raise ValueError(f"features: queries have {queries.dimension} dimensions and the database {items.dimension}")
    if k > len(items):
        raise UsageError(f"the {k} nearest of {len(items):,} vectors are wanted; a database of at least {k} has them")
    numbers = _CPU_NUMBERS if where.type == "cpu" else batch_items(where, _GPU_NUMBERS, _NUMBER_BYTES)
    given = queries[slice(0, len(queries))].to(where)
    _check_size(given, "query", each=distance != "l2")
    tf32, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, False
    try:
        with torch.inference_mode(), torch.autocast(where.type, enabled=False):
            bare = _Search(items, distance, torch.zeros(items.dimension, device=where), given, numbers, log)
            search = replace(bare, shift=_mean(bare)) if distance == "l2" else bare
            search = replace(search, queries=search.placed(given)[0])
            pairs = _candidates(search, k)
            return _ranked(pairs, _distances(search, given, pairs), len(given), k, distance)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = tf32


def _check_size(rows: Tensor, name: str, each: bool) -> float:
    """The largest absolute value, of numbers that distances can be computed of.

    Raises:
        UsageError: one is too large or, if ``each`` row has to have a length, all of a row are too small and not zero.
        ValueError: one is not finite.
    """
    largest = torch.linalg.vector_norm(rows, torch.inf, dim=1)  # NaN where a row has one
    short = torch.where(largest < _LEAST, largest, 0.0)
    most, least = torch.stack([largest.max(), short.max()]).tolist()  # a GPU is waited for once
    if not math.isfinite(most):
        raise ValueError(f"features: {name} has numbers that are not finite (NaN or infinite)")
    if most > _LARGEST:
        raise _out_of_range(name, f"numbers as large as {most:.3g}")
    if each and least > 0:
        raise _out_of_range(name, f"one with no number above {least:.3g}")
    return float(most)


def _out_of_range(name: str, what: str) -> UsageError:
    return UsageError(
        f"the {name} vectors have {what}, and distances in float32 need {_LEAST:g} to {_LARGEST:g}; multiply all "
        "vectors by one factor"
    )


def _mean(search: _Search) -> Tensor:
    """The mean of the database, float32 [d]."""
    total = torch.zeros_like(search.shift, dtype=torch.float64)
    for _, rows in search.blocks("mean of the vectors"):
        total += rows.sum(dim=0, dtype=torch.float64)
    return (total / len(search.database)).float()


def _candidates(search: _Search, k: int) -> _Pairs:
    """Pairs of queries and rows, every one of the k nearest and of what ties with them among them."""
    scores, rows, longest = _best(search, min(len(search.database), k + SPARE))
    limits = search.limits(scores[:, k - 1], longest)
    known = torch.full_like(limits, bool(scores.shape[1] == len(search.database)), dtype=torch.bool)
    known |= scores[:, -1] > limits
    near = (scores <= limits[:, None]) & known[:, None]
    queries, places = near.nonzero(as_tuple=True)
    pairs = [_Pairs(queries, rows[queries, places])]
    if not bool(known.all()):
        pairs += _all_within(search, limits, (~known).nonzero()[:, 0])
    return _Pairs(torch.cat([each.queries for each in pairs]), torch.cat([each.rows for each in pairs]))


def _best(search: _Search, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The lowest scores of each query, float32 [q, count] in ascending order, their rows, and the longest vector."""
    shape, device = (len(search.queries), count), search.queries.device
    best = torch.full(shape, torch.inf, device=device)
    best_rows = torch.full(shape, -1, dtype=torch.int64, device=device)
    longest, most = torch.zeros((), device=device), 0.0
    for part, rows in search.blocks("nearest neighbours"):
        most = max(most, _check_size(rows, "database", each=search.distance == "cosine"))
        placed, lengths = search.placed(rows)
        longest = torch.maximum(longest, lengths.max())
        for some in search.query_blocks(len(rows)):
            scores = search.scores(some, placed, lengths)
            new = _new_ones(scores, best[some, -1:], part.start, count)
            if new is not None:
                merged = torch.cat([best[some], new[0]], dim=1), torch.cat([best_rows[some], new[1]], dim=1)
                best[some], places = merged[0].topk(count, largest=False, sorted=True)
                best_rows[some] = merged[1].gather(1, places)
    if 0 < most < _LEAST:
        raise _out_of_range("database", f"no number above {most:.3g}")
    return best, best_rows, longest


def _new_ones(scores: Tensor, worst: Tensor, start: int, count: int) -> tuple[Tensor, Tensor] | None:
    """The scores below the ``worst`` that is kept, and their rows, [queries, m] each; None where there are none."""
    below = scores < worst
    per_query = below.sum(dim=1)
    most = int(per_query.max())
    if not most:
        return None
    if most > min(count, scores.shape[1] // 4):
        values, places = scores.topk(min(count, scores.shape[1]), largest=False, sorted=False)
        return values, places + start
    queries, places = below.nonzero(as_tuple=True)
    column = torch.arange(len(queries), device=scores.device) - (per_query.cumsum(0) - per_query)[queries]
    values = scores.new_full((len(scores), most), torch.inf)
    rows = torch.full_like(values, -1, dtype=torch.int64)
    values[queries, column], rows[queries, column] = scores[queries, places], places + start
    return values, rows


def _all_within(search: _Search, limits: Tensor, queries: Tensor) -> list[_Pairs]:
    """Every row whose score is within the limit, of the queries with these numbers."""
    few = _Search(search.database, search.distance, search.shift, search.queries[queries], search.numbers, search.log)
    found, count = [], 0
    for part, rows in few.blocks("vectors that tie"):
        placed, lengths = few.placed(rows)
        for some in few.query_blocks(len(rows)):
            within = few.scores(some, placed, lengths) <= limits[queries[some], None]
            where, places = within.nonzero(as_tuple=True)
            found.append(_Pairs(queries[some][where], places + part.start))
            count += len(where)
            if count > MAX_PAIRS:
                raise UsageError(
                    f"more than {MAX_PAIRS:,} vectors are as near to {len(queries):,} queries as their nearest ones by "
                    f"{search.distance}: that is no ranking; take equal vectors out of the database"
                )
    return found


def _distances(search: _Search, given: Tensor, pairs: _Pairs) -> Tensor:
    """The exact distance of each pair, float32 [pairs], less is nearer."""
    order = pairs.rows.argsort()
    sorted_rows = pairs.rows[order].contiguous()
    values = torch.empty(len(order), device=given.device)
    for part, rows in search.blocks("their distances"):
        bounds = torch.tensor([part.start, part.stop], device=given.device)
        first, last = torch.searchsorted(sorted_rows, bounds).tolist()
        step = max(1, search.numbers // 4 // rows.shape[1])
        for start in range(first, last, step):
            some = order[start : min(start + step, last)]
            pair = given[pairs.queries[some]].double(), rows[pairs.rows[some] - part.start].double()
            values[some] = _exact(*pair, search.distance).float()
    return values


def _exact(query: Tensor, rows: Tensor, distance: Distance) -> Tensor:
    """Float64 [pairs], less is nearer."""
    if distance == "l2":
        return (query - rows).square().sum(dim=1)
    products = (query * rows).sum(dim=1)
    if distance == "cosine":
        lengths = query.square().sum(dim=1) * rows.square().sum(dim=1)
        products = products / torch.where(lengths > 0, lengths, 1).sqrt()
    return -products


def _ranked(pairs: _Pairs, distances: Tensor, queries: int, k: int, distance: Distance) -> Neighbours:
    """The pairs in the order of their distances, those behind the k-th and what ties with it left out."""
    owners, rows, values = (each.cpu().numpy() for each in (*pairs, distances))
    order = np.lexsort((rows, values, owners))
    owners, rows, values = owners[order], rows[order], values[order]
    starts = np.searchsorted(owners, np.arange(queries + 1))
    kth: npt.NDArray[Any] = values[starts[:-1] + k - 1]
    kept = values <= kth[owners]
    return Neighbours(k, distance, np.concatenate([[0], np.cumsum(kept)])[starts], rows[kept], values[kept])
