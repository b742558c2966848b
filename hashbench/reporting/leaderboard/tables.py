"""From records to tables: one record for each trial, one table for each key, ranked and compared."""

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hashbench.errors import UsageError, unknown
from hashbench.evaluation.headline import HEADLINE, NEIGHBOURS_HEADLINE
from hashbench.records.newest import newest_and_left_out
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.significance import compare_rows
from hashbench.reporting.leaderboard.table import Cell, Row, Table
from hashbench.reporting.metric_names import MULTIPLE
from hashbench.reporting.table_key import TableKey


def tables(
    results: Results,
    current: frozenset[str] = frozenset(),
    stale: frozenset[str] = frozenset(),
    metric: str | None = None,
) -> list[Table]:
    """All tables of these results; of several records of one trial only one is shown.

    Args:
        results: what to show.
        current: keys of records made from today's sources; one of these goes before the newest of its trial.
        stale: keys of records to mark as made from other sources than today's.
        metric: what to show and to rank by, by default each table's headline; tables without it are left out. Only
            rows of the headline are compared, of which records have a figure per query.

    Raises:
        UsageError: no record has that metric, or it is a yardstick.
    """
    check_metric(metric, results.records)
    newest, left_out = newest_and_left_out(results.records, current)
    rows_of = _rows(newest.values(), results, stale)
    for key, rows in rows_of.items():
        plain = replace(key, supervised=False, ranking="")
        if key != plain:  # references read no labels, and random codes are as random by any ranking
            rows |= {name: row for name, row in rows_of.get(plain, {}).items() if row.reference}
    made = [_table(key, list(rows.values()), metric) for key, rows in sorted(rows_of.items())]
    made = [table for table in made if table.methods and _has(table, metric)]
    others: dict[TableKey, Counter[str]] = {}
    for record in left_out:
        others.setdefault(TableKey.of(record), Counter())[record["fingerprint"]["device"]] += 1
    for table in made:
        table.other_devices = others.get(table.key, Counter())
    but_weights = Counter(replace(table.key, weights="") for table in made)
    for table in made:
        table.same_but_weights = but_weights[replace(table.key, weights="")] > 1
        keep_one_hardware(table)
        compare_rows(table)
    return made


def _rows(newest: Iterable[Record], results: Results, stale: frozenset[str]) -> dict[TableKey, dict[str, Row]]:
    """The rows of each table, by what makes them different rows, of the ``newest`` records of these results."""
    throughputs: dict[str, list[Record]] = {}
    for throughput in results.throughputs:
        throughputs.setdefault(throughput["key"], []).append(throughput)
    rows_of: dict[TableKey, dict[str, Row]] = {}
    for record in sorted(newest, key=lambda r: (r["trial"]["method"], r["trial"]["repetition"], str(r["key"]))):
        rows = rows_of.setdefault(TableKey.of(record), {})
        row = _row(record)
        same = [row.method, row.named, row.preset, row.parameters, row.information]
        row = rows.setdefault(json.dumps(same, sort_keys=True), row)
        cell = row.cells.setdefault(record["trial"]["bits"], Cell())
        _add(cell, record, throughputs, results)
        cell.stale |= record["key"] in stale
    return rows_of


def _row(record: Record) -> Row:
    trial = record["trial"]
    backbones = {f"{net} weights": checksum[:8] for net, checksum in trial["backbones"].items()}
    parameters = {**trial["parameters"], **backbones}
    information = record.get("information", "labels" if record["supervised"] else "images")
    named, reference = record["named_variant"], record["reference"]
    return Row(
        *(trial["method"], trial["preset"], record["variant"], named, reference, parameters),
        information=information,
        ranking=trial.get("ranking"),
    )


def _add(cell: Cell, record: Record, throughputs: Mapping[str, list[Record]], results: Results) -> None:
    if record["status"] != "ok":
        cell.failed.append(record)
        return
    cell.ok.append(record)
    cell.throughputs += throughputs.get(record["key"], [])
    cell.files += [results.files[record["key"]]] if record["key"] in results.files else []


def _has(table: Table, metric: str | None) -> bool:
    """Whether a table has the metric that was asked for, or nothing that could say so."""
    made = [record["metrics"] for record in table.records() if record["metrics"]]
    return metric is None or not made or any(metric in metrics for metrics in made)


def check_metric(metric: str | None, records: Iterable[Record]) -> None:
    """Check that tables of these records can show a metric.

    Raises:
        UsageError: no record has it, or it ranks nothing.
    """
    if metric is None:
        return
    names = {name for record in records for name in record["metrics"] or ()}
    beside = {name for name in names if name == "chance" or name.startswith(MULTIPLE)}
    if metric in beside:
        place = "captions" if metric == "chance" else f"tables of {NEIGHBOURS_HEADLINE}"
        raise UsageError(f"metric {metric!r} ranks nothing; {place} show it")
    if names and metric not in names:
        raise unknown("metric in these results", metric, names - beside)


def _table(key: TableKey, rows: list[Row], asked: str | None) -> Table:
    _disambiguate_labels(rows)
    cells = [cell for row in rows for cell in row.cells.values()]
    metric = asked or next((cell.headline for cell in cells), HEADLINE)
    own = [row for row in rows if not row.reference]
    columns = sorted({bits for row in own for bits in row.cells if bits is not None})
    ranked = [row for row in own if row.complete(columns, metric)]
    unranked = sorted((row for row in own if not row.complete(columns, metric)), key=lambda row: row.label)
    references = sorted((row for row in rows if row.reference), key=lambda row: row.method)
    table = Table(key, columns, ranked, unranked, references, metric)
    if ranked:
        sign = 1 if table.less_is_better else -1
        table.ranked.sort(key=lambda row: _rank(row, columns, metric, sign))
    return table


def _disambiguate_labels(rows: list[Row]) -> None:
    """Where rows have the same label though their parameters differ (a default changed), name what differs."""
    by_label: dict[str, list[Row]] = {}
    for row in rows:
        by_label.setdefault(row.label, []).append(row)
    for twins in by_label.values():
        names = {name for row in twins for name in row.parameters}
        differing = [name for name in sorted(names) if len({repr(row.parameters.get(name)) for row in twins}) > 1]
        for row in twins if len(twins) > 1 else []:
            row.variant = {**row.variant, **{name: row.parameters.get(name) for name in differing}}
    _name_precisions(rows)


def _name_precisions(rows: list[Row]) -> None:
    """Where rows differ in precision alone, name that of each, also where it was not asked for."""

    def others(row: Row) -> str:
        return json.dumps([row.method, row.preset, {**row.parameters, "precision": None}], sort_keys=True)

    counts = Counter(others(row) for row in rows)
    for row in rows:
        if counts[others(row)] > 1 and "precision" in row.parameters:
            row.variant = {**row.variant, "precision": row.parameters["precision"]}


def _rank(row: Row, columns: list[int], metric: str, sign: int) -> tuple[float, str]:
    values = [row.cell(bits).mean(metric) or 0.0 for bits in columns]
    return sign * statistics.fmean(values), row.label


def keep_one_hardware(table: Table) -> None:
    """Take the rates of other machines out of the table, all but those of the one that measured most cells."""
    cells = [cell for row in table.methods for cell in row.cells.values()]
    machines = [{each["hardware"]["id"]: each["hardware"] for each in cell.throughputs} for cell in cells]
    counts = Counter(hardware_id for of_cell in machines for hardware_id in of_cell)
    if not counts:
        return
    chosen = min(counts, key=lambda hardware_id: (-counts[hardware_id], hardware_id))
    for cell, of_cell in zip(cells, machines, strict=True):
        cell.throughputs = [each for each in cell.throughputs if each["hardware"]["id"] == chosen]
        table.hardware = of_cell.get(chosen, table.hardware)
        table.other_hardware |= bool(of_cell) and not cell.throughputs
