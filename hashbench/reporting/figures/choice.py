"""Chooses the tables and rows to draw, by the names that users give."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from hashbench.errors import unknown
from hashbench.reporting.leaderboard.table import Row, Table


def names(tables: Sequence[Table]) -> list[str]:
    """A name for each table, "cifar10/bgan, features gist"; where two would share one, with the protocol card."""
    count = Counter(table.name for table in tables)
    return [
        f"{table.name}, card {table.key.card}, metrics version {table.key.metric_version}"
        if count[table.name] > 1
        else table.name
        for table in tables
    ]


def choose_tables(tables: Sequence[Table], patterns: Iterable[str]) -> list[Table]:
    """The tables that any of the patterns names: a data set, a protocol, a table's whole name, or a glob of one.

    Raises:
        UsageError: a pattern matches none.
    """
    names_of = [
        (table.key.protocol.partition("/")[0], table.key.protocol, name)
        for table, name in zip(tables, names(tables), strict=True)
    ]
    chosen: set[int] = set()
    for pattern in patterns:
        matching = {index for index, own in enumerate(names_of) if any(_matches(name, pattern) for name in own)}
        if not matching:
            raise unknown("data set or protocol", pattern, {name for own in names_of for name in own[:2]})
        chosen |= matching
    return [table for index, table in enumerate(tables) if index in chosen]


def choose_methods(tables: Sequence[Table], patterns: Sequence[str]) -> list[Table]:
    """The tables with those rows alone whose method or label a pattern names or globs, and the references.

    Tables without such a row are left out.

    Raises:
        UsageError: a pattern matches no row of any table.
    """
    rows = [row for table in tables for row in table.methods]
    for pattern in patterns:
        if not any(_named(row, [pattern]) for row in rows):
            raise unknown("method in these results", pattern, {row.method for row in rows})
    chosen = []
    for table in tables:
        ranked = [row for row in table.ranked if _named(row, patterns)]
        unranked = [row for row in table.unranked if _named(row, patterns)]
        own = {bits for row in (*ranked, *unranked) for bits in row.cells}
        columns = [bits for bits in table.columns if bits in own]
        if columns:
            chosen.append(replace(table, columns=columns, ranked=ranked, unranked=unranked))
    return chosen


def _named(row: Row, patterns: Iterable[str]) -> bool:
    return any(_matches(name, pattern) for pattern in patterns for name in (row.method, row.label))


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)
