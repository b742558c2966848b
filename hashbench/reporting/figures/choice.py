"""Which tables and rows figures are drawn from, as users name them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from hashbench.errors import unknown
from hashbench.reporting.leaderboard.caption import title
from hashbench.reporting.leaderboard.table import Row, Table


def names(tables: Sequence[Table]) -> list[str]:
    """A name for each table, "cifar10/bgan, features gist"; where two would share one, with the protocol card."""
    found = [title(table).removeprefix("mAP@1000 on ") for table in tables]
    count = Counter(found)
    return [
        f"{name}, card {table.ground.card}, metrics version {table.ground.metric_version}" if count[name] > 1 else name
        for name, table in zip(found, tables, strict=True)
    ]


def choose_tables(tables: Sequence[Table], patterns: Iterable[str]) -> list[Table]:
    """The tables that any of the patterns names: a data set, a protocol, a table's whole name, or a glob of one.

    Raises:
        UsageError: a pattern matches none.
    """
    called = {
        place: (table.ground.protocol.partition("/")[0], table.ground.protocol, name)
        for place, (table, name) in enumerate(zip(tables, names(tables), strict=True))
    }
    chosen: set[int] = set()
    for pattern in patterns:
        found = {place for place, its in called.items() if any(_matches(name, pattern) for name in its)}
        if not found:
            raise unknown("data set or protocol", pattern, {name for its in called.values() for name in its[:2]})
        chosen |= found
    return [table for place, table in enumerate(tables) if place in chosen]


def choose_methods(tables: Sequence[Table], patterns: Sequence[str]) -> list[Table]:
    """The tables with those rows alone whose method or label a pattern names or globs, and the references.

    Tables without such a row are left out.

    Raises:
        UsageError: a pattern matches no row of any table.
    """
    rows = [row for table in tables for row in (*table.ranked, *table.unranked)]
    for pattern in patterns:
        if not any(_named(row, [pattern]) for row in rows):
            raise unknown("method in these results", pattern, {row.method for row in rows})
    found = []
    for table in tables:
        ranked = [row for row in table.ranked if _named(row, patterns)]
        unranked = [row for row in table.unranked if _named(row, patterns)]
        own = {bits for row in (*ranked, *unranked) for bits in row.cells}
        columns = [bits for bits in table.columns if bits in own]
        if columns:
            found.append(replace(table, columns=columns, ranked=ranked, unranked=unranked))
    return found


def _named(row: Row, patterns: Iterable[str]) -> bool:
    return any(_matches(name, pattern) for pattern in patterns for name in (row.method, row.label))


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)
