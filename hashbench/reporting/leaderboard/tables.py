"""From records to tables: one record for each trial, one table for each ground, ranked and compared."""

import json
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from hashbench.records.newest import newest_records
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.significance import compare_with_best
from hashbench.reporting.leaderboard.table import HEADLINE, Cell, Row, Table, TableKey
from hashbench.reporting.rates import keep_one_hardware


def tables(results: Results, current: frozenset[str] = frozenset(), stale: frozenset[str] = frozenset()) -> list[Table]:
    """All tables of these results; of records with the same identity only one stands in a table.

    Args:
        results: what to show.
        current: keys of records made from today's sources; one of these goes before the newest of its identity.
        stale: keys of records to mark as made from other sources than today's.
    """
    throughputs: dict[str, list[Record]] = {}
    for throughput in results.throughputs:
        throughputs.setdefault(throughput["key"], []).append(throughput)
    grounds: dict[TableKey, dict[str, Row]] = {}
    for record in _one_each(results.records, current):
        rows = grounds.setdefault(_ground(record), {})
        trial = record["trial"]
        backbones = {f"{net} weights": value[:8] for net, value in trial["backbones"].items()}
        parameters = {**trial["parameters"], **backbones}
        name = json.dumps([trial["method"], trial["preset"], parameters], sort_keys=True)
        row = Row(trial["method"], trial["preset"], record["variant"], record["reference"], parameters)
        row = rows.setdefault(name, row)
        cell = row.cells.setdefault(trial["bits"], Cell())
        (cell.ok if record["status"] == "ok" else cell.failed).append(record)
        cell.stale |= record["key"] in stale
        if record["status"] == "ok":
            cell.throughputs += throughputs.get(record["key"], [])
            cell.files += [results.files[record["key"]]] if record["key"] in results.files else []
    for ground, rows in grounds.items():
        if ground.supervised:  # floor and ceiling stand under the methods without labels
            unsupervised = grounds.get(replace(ground, supervised=False), {})
            rows |= {name: row for name, row in unsupervised.items() if row.reference}
    found = [_table(ground, _disambiguate(list(rows.values()))) for ground, rows in sorted(grounds.items())]
    found = [table for table in found if table.ranked or table.unranked]
    alike = Counter(replace(table.ground, weights="") for table in found)
    for table in found:
        table.same_but_weights = alike[replace(table.ground, weights="")] > 1
        keep_one_hardware(table)
        compare_with_best(table)
    return found


def _disambiguate(rows: list[Row]) -> list[Row]:
    """Where rows have the same label though their parameters differ (a default changed), name what differs."""
    for label in {row.label for row in rows}:
        twins = [row for row in rows if row.label == label]
        names = {name for row in twins for name in row.parameters}
        differing = [name for name in sorted(names) if len({repr(row.parameters.get(name)) for row in twins}) > 1]
        for row in twins if len(twins) > 1 else []:
            row.variant = {**row.variant, **{name: row.parameters.get(name) for name in differing}}
    return rows


def _one_each(records: Iterable[Record], current: frozenset[str]) -> list[Record]:
    newest = newest_records(records, current).values()
    return sorted(newest, key=lambda r: (r["trial"]["method"], r["trial"]["repetition"], str(r["key"])))


def _ground(record: Record) -> TableKey:
    trial = record["trial"]
    return TableKey(
        supervised=record["supervised"],
        protocol=trial["protocol"],
        card=record["protocol_card"]["id"],
        features=trial["features"],
        weights=trial["features_weights"] or "",
        dtype=trial["features_dtype"],
        limit=trial["limit"] or 0,
        seed=trial["seed"],
        metric_version=record["metric_version"],
    )


def _table(ground: TableKey, rows: list[Row]) -> Table:
    own = [row for row in rows if not row.reference]
    columns = sorted({bits for row in own for bits in row.cells if bits is not None})
    ranked = sorted((row for row in own if row.complete(columns)), key=lambda row: _rank(row, columns))
    unranked = sorted((row for row in own if not row.complete(columns)), key=lambda row: row.label)
    references = sorted((row for row in rows if row.reference), key=lambda row: row.method)
    return Table(ground, columns, ranked, unranked, references)


def _rank(row: Row, columns: list[int]) -> tuple[float, str]:
    values = [row.cell(bits).mean(HEADLINE) or 0.0 for bits in columns]
    return -statistics.fmean(values), row.label
