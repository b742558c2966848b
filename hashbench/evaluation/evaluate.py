"""``hb.evaluate``: every metric, curve and diagnostic of one ranking of a database for each of many queries."""

from collections.abc import Iterable, Iterator
from contextlib import closing

import numpy as np
import numpy.typing as npt
import torch

from hashbench.codes import Codes, CodesLike, as_codes
from hashbench.dataset import Distance
from hashbench.evaluation.curves import rank_grid
from hashbench.evaluation.diagnostics import Diagnostics, code_diagnostics
from hashbench.evaluation.feature_rows import Features
from hashbench.evaluation.headline import HEADLINE_K, RADIUS
from hashbench.evaluation.histograms import Histograms, distance_histograms
from hashbench.evaluation.metrics import declared
from hashbench.evaluation.neighbour_scores import hamming_places, neighbour_scores
from hashbench.evaluation.neighbours import Neighbours, Places, kept
from hashbench.evaluation.ranking import Ranking, empty_within, tied_share
from hashbench.evaluation.relevance import Labels, both_sides, label_pair
from hashbench.evaluation.score_blocks import RankedBlock, Similarities, ranked_blocks
from hashbench.evaluation.similarities import similarity_histograms
from hashbench.evaluation.tally import EMPTY_SHARE, TIED_SHARE, Scores, Tally, without_labels
from hashbench.util.device import pick_device

__all__ = ["Scores", "evaluate", "evaluate_features", "evaluate_similarities", "warm_up"]


def evaluate(
    query_codes: CodesLike,
    database_codes: CodesLike,
    query_labels: Labels | None,
    database_labels: Labels | None,
    cutoff: int | None = None,
    device: torch.device | str = "auto",
    *,
    bits: int | None = None,
    own_rows: npt.NDArray[np.int64] | None = None,
    neighbours: Neighbours | None = None,
) -> Scores:
    """Score a Hamming ranking: ``hb.evaluate(query_codes, database_codes, query_labels, database_labels)``.

    No queries x database matrix is made. Beside codes and labels it needs less than 100 MB for 2,100 queries, 193,734
    items and 64 bits: blocks of fixed size, and histograms of q (bits + 1) cells in 32 bytes each. Unpacked codes add
    their packed copies, and class numbers two copies of their own, however many classes there are.

    Args:
        query_codes: bool [q, bits], numpy or torch, True is +1; or :class:`Codes`; or with ``bits`` packed codes,
            uint8 [q, ceil(bits / 8)], the first bit highest, as numpy.packbits makes them.
        database_codes: the same of n items.
        query_labels: class numbers [q] or bool [q, classes]; items are relevant that share a label. None, of both
            sides, leaves out what needs labels.
        database_labels: class numbers [n] or bool [n, classes].
        cutoff: the protocol's customary k, scored beside the usual ones.
        device: where distances are counted: auto, cpu, cuda, cuda:1. The numbers are the same everywhere.
        bits: code length, where codes are packed.
        own_rows: leave one out: for each query the row of the database that is the query itself, int64 [q], -1 for
            none; it is left out of that query's ranking.
        neighbours: the nearest items by the float vectors, of :func:`nearest_neighbours`; scored beside labels.

    Raises:
        ValueError: shapes, dtypes or labels do not fit, a side is empty, or no query has a relevant item.
    """
    metrics = declared(cutoff)
    query, database = as_codes(query_codes, bits), as_codes(database_codes, bits)
    labels = both_sides(query_labels, database_labels)
    if labels is None:
        one_class = np.zeros(max(len(query), len(database)), dtype=np.int64)
        labels = one_class[: len(query)], one_class[: len(database)]
        histograms = distance_histograms(query, database, *labels, _device(device), own_rows)
        scores = without_labels(len(query), {**code_diagnostics(database), **_ties(histograms)})
    else:
        histograms = distance_histograms(query, database, *labels, _device(device), own_rows)
        tally = Tally(metrics, rank_grid(len(database)), distances=True, ties=True)
        scores = tally.scores(histograms.blocks(), code_diagnostics(database))
    if neighbours is None:
        return scores
    return scores.with_neighbours(
        neighbour_scores(neighbours, hamming_places(neighbours, query, database, histograms.items))
    )


def evaluate_features(
    query: Features,
    database: Features,
    query_labels: Labels | None,
    database_labels: Labels | None,
    cutoff: int | None = None,
    device: torch.device | str = "auto",
    *,
    distance: Distance = "cosine",
    neighbours: Neighbours | None = None,
) -> Scores:
    """Score the ranking by a distance of float features [n, d]: by default the cosine, centred by the caller.

    With ``neighbours``, which must be nearest under the same distance, all of them are kept.

    Features may also be :class:`hashbench.evaluation.feature_rows.FeatureRows`, of which only blocks are held. There is
    no curve by radius, precision within a radius is None and diagnostics are empty; the rest is that of
    :func:`evaluate`, with equal similarities as ties. Memory: see :func:`similarity_histograms`.

    Raises:
        ValueError: shapes, dtypes or labels do not fit, numbers are not finite, a side is empty, or no query has a
            relevant item.
    """
    where = _device(device)
    labels = both_sides(query_labels, database_labels)
    if labels is None:
        scores = without_labels(len(query), {})
    else:
        tally = Tally(declared(cutoff), rank_grid(len(database)), distances=False, ties=False)
        with (
            torch.autocast(where.type, enabled=False),  # a caller's: similarities are float32
            closing(similarity_histograms(query, database, *labels, where, distance)) as blocks,
        ):
            scores = tally.scores(blocks, {})
    return scores if neighbours is None else scores.with_neighbours(neighbour_scores(neighbours, neighbours.places()))


def evaluate_similarities(
    similarities: Similarities,
    query_labels: Labels | None,
    database_labels: Labels | None,
    cutoff: int | None = None,
    *,
    neighbours: Neighbours | None = None,
    codes: Codes | None = None,
) -> Scores:
    """Score the ranking by any similarities, equal ones as ties; see :func:`evaluate`.

    There is no curve by radius, and precision within a radius is None.

    Args:
        similarities: of queries and database.
        query_labels: class numbers [q] or bool [q, classes]; None, of both sides, leaves out what needs labels.
        database_labels: class numbers [n] or bool [n, classes].
        cutoff: the protocol's customary k.
        neighbours: the nearest items by the float vectors.
        codes: of the database, where diagnostics are of them and of the ranking's ties.

    Raises:
        ValueError: labels do not fit, no query has a relevant item, or what the similarities raise.
    """
    queries, items = similarities.queries, similarities.items
    sides = both_sides(query_labels, database_labels)
    labels = None if sides is None else label_pair(*sides, queries, items)
    diagnostics: Diagnostics = {} if codes is None else code_diagnostics(codes)
    blocks = ranked_blocks(similarities, labels, neighbours, HEADLINE_K)
    ranked = _Ranked(blocks, queries, neighbours)
    with closing(blocks), torch.autocast(similarities.device.type, enabled=False):
        if labels is None:
            ranked.read()
            ties: Diagnostics = {} if codes is None else {TIED_SHARE: float(ranked.tied.mean())}
            scores = without_labels(queries, diagnostics | ties)
        else:
            tally = Tally(declared(cutoff), rank_grid(items), distances=False, ties=codes is not None)
            scores = tally.scores(ranked.histograms(), diagnostics)
    if neighbours is None:
        return scores
    return scores.with_neighbours(neighbour_scores(neighbours, ranked.places))


class _Ranked:
    """Blocks of a ranking, read once; what metrics of neighbours and ties need of them is kept.

    It is kept in arrays that are there before: small ones that stay between the large ones of each block, which go,
    would keep the memory of these from being used again.
    """

    def __init__(self, blocks: Iterable[RankedBlock], queries: int, neighbours: Neighbours | None) -> None:
        listed = 0 if neighbours is None else len(neighbours.rows)
        self._blocks = blocks
        self.places = Places(np.empty(listed, dtype=np.int64), np.empty(listed, dtype=np.int64))
        self.tied = np.empty(queries)

    def histograms(self) -> Iterator[Histograms]:
        """Those of each block that has some."""
        tied = placed = 0
        for block in self._blocks:
            self.tied[tied : tied + len(block.tied)] = block.tied
            tied += len(block.tied)
            if block.places is not None:
                part = slice(placed, placed + len(block.places.before))
                self.places.before[part], self.places.tied[part] = block.places.before, block.places.tied
                placed = part.stop
            if block.histograms is not None:
                yield block.histograms

    def read(self) -> None:
        """Read all blocks, which have no histograms."""
        for _ in self.histograms():
            pass


def _ties(histograms: Histograms) -> Diagnostics:
    """Means over all queries of what ties in their rankings."""
    tied, empty = 0.0, 0.0
    for block in histograms.blocks():
        ranking = Ranking(block.items, block.relevant)
        tied += float(tied_share(ranking, HEADLINE_K).sum())
        empty += float(empty_within(ranking, RADIUS).sum())
    return {TIED_SHARE: tied / len(histograms), EMPTY_SHARE: empty / len(histograms)}


def warm_up(device: torch.device, graded: bool = True) -> None:
    """Compile the loops that evaluations run, or load them from the cache, before an evaluation that is timed.

    Args:
        device: where distances are counted.
        graded: also those of graded relevance, which labels need of which two items can share several.
    """
    codes, features = Codes.pack(np.eye(2, 8, dtype=np.bool_)), torch.eye(2)
    one = Neighbours(1, "l2", np.arange(3), np.arange(2), np.zeros(2, dtype=np.float32))
    kept(one, one.places(), 1, np.arange(1, 3))
    for labels in (np.arange(2), np.ones((2, 2), dtype=np.bool_) if graded else np.eye(2, dtype=np.bool_)):
        evaluate(codes, codes, labels, labels, device=device)
        evaluate_features(features, features, labels, labels, device=device)


def _device(device: torch.device | str) -> torch.device:
    return device if isinstance(device, torch.device) else pick_device(device)
