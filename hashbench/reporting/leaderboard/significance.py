"""Which cells of a table cannot be told apart from the best of their column."""

from collections.abc import Iterator

from hashbench.evaluation.headline import HEADLINE
from hashbench.records.per_query import PerQuery
from hashbench.reporting.leaderboard.table import Cell, Table
from hashbench.reporting.statistics import holm, paired_bootstraps


def compare_with_best(table: Table) -> None:
    """Compare each ranked cell's AP per query with that of its column's best cell, and adjust p for all of them.

    Cells without per-query AP, or with other queries, are left as they are, without a mark.
    """
    pairs = list(_pairs(table))
    compared = paired_bootstraps((own.average_precision, best.average_precision) for _, own, best in pairs)
    adjusted = holm([paired.p for paired in compared])
    for (cell, _, _), paired, p in zip(pairs, compared, adjusted, strict=True):
        cell.vs_best, cell.adjusted_p = paired, p


def _pairs(table: Table) -> Iterator[tuple[Cell, PerQuery, PerQuery]]:
    """Each ranked cell beside the best of its column."""
    for bits in table.columns:
        cells = [row.cell(bits) for row in table.ranked]
        leader = next((cell for cell in cells if cell.mean(HEADLINE) == table.best(bits)), None)
        best = None if leader is None else leader.per_query
        for cell in cells:
            own = None if cell is leader else cell.per_query
            if own is not None and best is not None and own.on_the_same_queries(best):
                yield cell, own, best
