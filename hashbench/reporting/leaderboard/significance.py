"""Which cells of a table cannot be told apart from the best of their column, and which ranks from one another."""

from collections.abc import Sequence

import numpy as np

from hashbench.reporting.leaderboard.table import Cell, Row, Table
from hashbench.reporting.multiple_comparisons import MIN_REPETITIONS, Comparisons, compare_groups

Told = dict[tuple[int, int], bool]


def compare_rows(table: Table) -> None:
    """Compare the cells of each column, and the complete rows in their means, with one another, and rank these.

    Only the headline is compared: there is no other figure per query.

    Cells without a figure per query, or with other queries, are not compared: they have no mark, and their rows are
    ranked by their means alone. Nor are cells of which a repetition failed.
    """
    cells = _comparable(table) if table.metric == table.headline else {}
    table.told_apart = _compare(table, cells)
    of_means = table.told_apart.get(None, {})
    ranks: list[int] = []
    for place, row in enumerate(table.ranked):
        better = sum(of_means.get((above, place), _ahead(table, table.ranked[above], row)) for above in range(place))
        ranks.append(max([1 + better, *ranks[-1:]]))
        row.rank = None if any(_better(table, other, row) for other in table.unranked) else ranks[-1]


def _comparable(table: Table) -> dict[tuple[int, int], Cell]:
    """Cells by index of row and column: those that have AP of the same queries as the first one that has any."""
    cells = {}
    first = None
    for row_index, row in enumerate(table.methods):
        for column, bits in enumerate(table.columns):
            cell = row.cell(bits)
            if not cell.whole(table.metric) or cell.per_query is None:
                continue
            first = first or cell.per_query
            if cell.per_query.on_the_same_queries(first):
                cells[row_index, column] = cell
    answered = [np.isfinite(cell.per_query.average_precision) for cell in cells.values() if cell.per_query]
    return cells if np.all(answered, axis=0).any() else {}


def _compare(table: Table, cells: dict[tuple[int, int], Cell]) -> dict[int | None, Told]:
    """Compare, give each cell what was found, and return which pairs are told apart, by column and in the means."""
    indices = {where: index for index, where in enumerate(cells)}
    columns = range(len(table.columns))
    rows = [row for row in range(len(table.ranked)) if all((row, column) in cells for column in columns)]
    members = [[row for row in range(len(table.methods)) if (row, column) in cells] for column in columns]
    groups = [[[indices[row, column]] for row in members[column]] for column in columns]
    if len(columns) > 1:
        groups.append([[indices[row, column] for column in columns] for row in rows])
    if not any(len(group) > 1 for group in groups):
        return {}
    runs = [cell.per_query_runs for cell in cells.values()]
    made = compare_groups([run for run in runs if run is not None], groups)
    table.smallest_difference = [one.smallest for one in made[: len(columns)]]
    table.fewer_runs = _fewer_runs(table.methods, list(cells.values()))
    told: dict[int | None, Told] = {None: _told(rows, made[-1])}
    for column, bits in enumerate(table.columns):
        _mark(table, bits, members[column], made[column])
        told[bits] = _told(members[column], made[column])
    return told


def _told(rows: Sequence[int], compared: Comparisons) -> Told:
    places = range(len(rows))
    return {(rows[one], rows[other]): compared.apart(one, other) for one in places for other in places if one < other}


def _mark(table: Table, bits: int, members: Sequence[int], compared: Comparisons) -> None:
    """Give each cell of a column its comparison with the best one."""
    rows = [table.methods[index] for index in members]
    best = next((place for place, row in enumerate(rows) if table.is_best(row, bits)), None)
    for place, row in enumerate(rows):
        if best is not None and place != best:
            row.cell(bits).vs_best = compared.paired(place, best)


def _fewer_runs(rows: Sequence[Row], cells: Sequence[Cell]) -> list[str]:
    """Labels of the rows that have a compared cell of too few repetitions to resample them."""
    few = {id(cell) for cell in cells if len(cell.ok) < MIN_REPETITIONS}
    return [row.label for row in rows if any(id(cell) in few for cell in row.cells.values())]


def _better(table: Table, incomplete: Row, row: Row) -> bool:
    """Whether a row that lacks cells is better than ``row`` where both have cells."""
    common = [bits for bits in table.columns if incomplete.cell(bits).mean(table.metric) is not None]
    return bool(common) and _ahead(table, incomplete, row, common)


def _ahead(table: Table, one: Row, other: Row, columns: Sequence[int] = ()) -> bool:
    """Whether the mean of one row over these columns is better than that of the other."""
    first, second = _mean(table, one, columns), _mean(table, other, columns)
    return first < second if table.less_is_better else first > second


def _mean(table: Table, row: Row, columns: Sequence[int] = ()) -> float:
    """Over these columns, by default over all."""
    return float(np.mean([row.cell(bits).mean(table.metric) or 0.0 for bits in columns or table.columns]))
