"""The leaderboard as data: grounds that may be compared, rows of methods, cells of repetitions."""

import json
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from hashbench.records.results import Results
from hashbench.records.store import Record

HEADLINE = "map@1000"
HEADLINE_K = 1000


@dataclass(frozen=True, order=True)
class Ground:
    """What two numbers must share to stand in one table."""

    supervised: bool
    protocol: str
    card: str
    features: str
    weights: str
    dtype: str
    limit: int
    seed: int
    metric_version: int


@dataclass
class Cell:
    """One row at one code length: the records of its repetitions.

    Attributes:
        ok: records that have metrics.
        troubled: records that failed or were skipped.
        throughputs: of the ``ok`` records, on whichever hardware.
        stale: a record was made from sources that have changed since.
    """

    ok: list[Record] = field(default_factory=list)
    troubled: list[Record] = field(default_factory=list)
    throughputs: list[Record] = field(default_factory=list)
    stale: bool = False

    def values(self, metric: str) -> list[float]:
        """A metric over the repetitions; records for which it is undefined are left out."""
        found = [record["metrics"].get(metric) for record in self.ok]
        return [value for value in found if value is not None]

    def mean(self, metric: str) -> float | None:
        """Mean over the repetitions, None without a value."""
        values = self.values(metric)
        return statistics.fmean(values) if values else None

    def deviation(self, metric: str) -> float | None:
        """Standard deviation (n - 1) over the repetitions, None below two."""
        values = self.values(metric)
        return statistics.stdev(values) if len(values) > 1 else None

    def seconds(self, phase: str) -> float | None:
        """Mean seconds of a phase."""
        found = [record["seconds"][phase] for record in self.ok if phase in record["seconds"]]
        return statistics.fmean(found) if found else None


@dataclass
class Row:
    """A method with its preset and changed parameters, over all code lengths."""

    method: str
    preset: str | None
    variant: dict[str, Any]
    reference: bool
    parameters: dict[str, Any]
    cells: dict[int | None, Cell] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The method and what was changed of it: "bgan [quick; epochs=4]"."""
        changed = [f"{name}={value}" for name, value in self.variant.items()]
        notes = [*([self.preset] if self.preset else []), *([", ".join(changed)] if changed else [])]
        return f"{self.method} [{'; '.join(notes)}]" if notes else self.method

    def cell(self, bits: int) -> Cell:
        """The cell in the column ``bits``; a row without bits (float features) has the same one in each."""
        return self.cells.get(bits) or self.cells.get(None) or Cell()

    def complete(self, columns: Iterable[int]) -> bool:
        """Whether every column has a headline value and nothing failed."""
        return all(self.cell(bits).mean(HEADLINE) is not None and not self.cell(bits).troubled for bits in columns)


@dataclass
class Table:
    """One ground with its rows: ranked ones first, best first, then incomplete ones; references apart.

    ``same_but_weights``: another table differs from it in the weights of the features' network alone.
    """

    ground: Ground
    columns: list[int]
    ranked: list[Row]
    unranked: list[Row]
    references: list[Row]
    same_but_weights: bool = False

    @property
    def cutoff(self) -> int | None:
        """The protocol's customary k of mAP@k, None where it has none beside the usual ones."""
        found: int | None = self.records()[0]["protocol_card"]["cutoff"]
        return None if found == HEADLINE_K else found

    def records(self) -> list[Record]:
        """All records of the table."""
        rows = (*self.ranked, *self.unranked, *self.references)
        return [record for row in rows for cell in row.cells.values() for record in (*cell.ok, *cell.troubled)]

    def best(self, bits: int) -> float | None:
        """The best headline value among the ranked rows of a column."""
        values = [row.cell(bits).mean(HEADLINE) for row in self.ranked]
        return max((value for value in values if value is not None), default=None)


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
    grounds: dict[Ground, dict[str, Row]] = {}
    for record in _one_each(results.records, current):
        rows = grounds.setdefault(_ground(record), {})
        trial = record["trial"]
        backbones = {f"{net} weights": value[:8] for net, value in trial["backbones"].items()}
        parameters = {**trial["parameters"], **backbones}
        name = json.dumps([trial["method"], trial["preset"], parameters], sort_keys=True)
        row = Row(trial["method"], trial["preset"], record["variant"], record["reference"], parameters)
        row = rows.setdefault(name, row)
        cell = row.cells.setdefault(trial["bits"], Cell())
        (cell.ok if record["status"] == "ok" else cell.troubled).append(record)
        cell.stale |= record["key"] in stale
        if record["status"] == "ok":
            cell.throughputs += throughputs.get(record["key"], [])
    for ground, rows in grounds.items():
        if ground.supervised:  # floor and ceiling stand under the methods without labels
            unsupervised = grounds.get(replace(ground, supervised=False), {})
            rows |= {name: row for name, row in unsupervised.items() if row.reference}
    found = [_table(ground, _told_apart(list(rows.values()))) for ground, rows in sorted(grounds.items())]
    found = [table for table in found if table.ranked or table.unranked]
    alike = Counter(replace(table.ground, weights="") for table in found)
    for table in found:
        table.same_but_weights = alike[replace(table.ground, weights="")] > 1
    return found


def _told_apart(rows: list[Row]) -> list[Row]:
    """Where rows have the same label though their parameters differ (a default changed), name what differs."""
    for label in {row.label for row in rows}:
        twins = [row for row in rows if row.label == label]
        names = {name for row in twins for name in row.parameters}
        differing = [name for name in sorted(names) if len({repr(row.parameters.get(name)) for row in twins}) > 1]
        for row in twins if len(twins) > 1 else []:
            row.variant = {**row.variant, **{name: row.parameters.get(name) for name in differing}}
    return rows


def _one_each(records: Iterable[Record], current: frozenset[str]) -> list[Record]:
    kept: dict[str, Record] = {}
    age = lambda r: (r["key"] in current, str(r["provenance"]["created"]), str(r["key"]))  # noqa: E731
    for record in sorted(records, key=age):
        kept[json.dumps(record["trial"], sort_keys=True)] = record
    return sorted(kept.values(), key=lambda r: (r["trial"]["method"], r["trial"]["repetition"], str(r["key"])))


def _ground(record: Record) -> Ground:
    trial = record["trial"]
    return Ground(
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


def _table(ground: Ground, rows: list[Row]) -> Table:
    own = [row for row in rows if not row.reference]
    columns = sorted({bits for row in own for bits in row.cells if bits is not None})
    ranked = sorted((row for row in own if row.complete(columns)), key=lambda row: _rank(row, columns))
    unranked = sorted((row for row in own if not row.complete(columns)), key=lambda row: row.label)
    references = sorted((row for row in rows if row.reference), key=lambda row: row.method)
    return Table(ground, columns, ranked, unranked, references)


def _rank(row: Row, columns: list[int]) -> tuple[float, str]:
    values = [row.cell(bits).mean(HEADLINE) or 0.0 for bits in columns]
    return -statistics.fmean(values), row.label
