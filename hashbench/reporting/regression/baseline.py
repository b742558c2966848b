"""A baseline: what each cell scored when it was made, and how far later results may fall behind."""

import hashlib
import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hashbench.errors import UsageError
from hashbench.evaluation.headline import HEADLINE, NEIGHBOURS_HEADLINE, headline_of
from hashbench.evaluation.metrics import declared, declared_neighbours
from hashbench.records.outdated import NONE_OUTDATED, OutdatedRecords
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.reporting.identity import Identity
from hashbench.reporting.plain_text import plain
from hashbench.reporting.regression import tolerance
from hashbench.reporting.repetitions import Repetitions, Run, failure_reason, outdated_reason, repetitions

GATED = (HEADLINE, "map@all", "precision@100")
GATED_NEIGHBOURS = (NEIGHBOURS_HEADLINE, "neighbours/recall@1", "neighbours/recall@100")
"""Judged beside mAP at the protocol's customary cut-off; others are redundant or too coarse (radius 2)."""

DECIMALS = 6


@dataclass(frozen=True)
class Figure:
    """One metric of a cell.

    Attributes:
        values: of each run of the cell.
        mean, sd: over the runs; sd is None for one run.
        same: how far the mean of the same runs may fall behind under the same hardware and versions; no tolerance is
            below it.
        other: how far the mean of as many other runs may, or of the same ones elsewhere; None where that is unknown.
        repetitions_needed: how many other runs it takes to see a drop by .03; None for one run, or where no number
            does.
    """

    values: tuple[float, ...]
    mean: float
    sd: float | None
    same: float
    other: float | None
    repetitions_needed: int | None


@dataclass(frozen=True)
class BaselineCell:
    """One cell: ``environment`` names the hardware and versions of all its runs; None where they differ."""

    identity: Identity
    environment: str | None
    runs: tuple[Run, ...]
    metrics: Mapping[str, Figure]

    @property
    def headline(self) -> str:
        """By which it is judged first."""
        return HEADLINE if HEADLINE in self.metrics else NEIGHBOURS_HEADLINE


@dataclass(frozen=True)
class Baseline:
    """All cells, sorted.

    Attributes:
        directions: "up" or "down" for each gated metric: the better direction.
        environments: hardware and versions by their id.
        cells: in the order of their identities.
    """

    directions: Mapping[str, str]
    environments: Mapping[str, Any]
    cells: tuple[BaselineCell, ...]

    @property
    def figures(self) -> int:
        """How many figures are judged by the spread over seeds."""
        return sum(len(cell.metrics) for cell in self.cells if len(cell.runs) > 1)


def environment_id(record: Record) -> str:
    """Names the hardware and the versions under which a record was made, 12 hexadecimal digits."""
    facts = [record["environment"]["hardware"]["id"], record["environment"]["versions"]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def common_environment(cell: Repetitions) -> str | None:
    """The environment of all runs of a cell, None where there are several."""
    ids = {environment_id(record) for record in cell.runs.values()}
    return ids.pop() if len(ids) == 1 else None


def make_baseline(results: Results, outdated: OutdatedRecords = NONE_OUTDATED, allow_stale: bool = False) -> Baseline:
    """A baseline of all finished cells of a result folder; trials that were skipped have no part in it.

    A cell with one run beside others with several belongs to a deterministic method (``run`` repeats all others), so
    it has a tolerance elsewhere too. Where all cells have one run, the spread over seeds is unknown.

    Args:
        results: of the folder.
        outdated: records that today's code would not make.
        allow_stale: take those that count into the baseline.

    Raises:
        UsageError: a record cannot be read, a trial failed or would not be made by today's code, or a cell's mAP@1000
            is not a number in some run; a baseline without them would be no gate for them.
    """
    if results.faults:
        raise UsageError(f"{results.faults[0]} ({len(results.faults)} such files)")
    all_cells = repetitions(results, outdated).values()
    cells = sorted((cell for cell in all_cells if cell.runs), key=lambda cell: cell.identity.order)
    for cell in all_cells:
        why = None if allow_stale else outdated_reason(cell)
        if why:
            raise UsageError(
                f"{cell.identity.label}: {plain(str(why))}; run it again (--rerun stale), move its records away, or "
                "say --allow-stale"
            )
        cell.failed = [record for record in cell.failed if record["status"] != "skipped"]
        if cell.failed:
            raise UsageError(
                f"{cell.identity.label}: {plain(failure_reason(cell))}; run it again before it enters a baseline"
            )
    names = {cell.identity: _gated(cell) for cell in cells}
    repeated = [len(names[cell.identity]) for cell in cells if len(cell.runs) > 1]
    return Baseline(
        _directions(cells, names.values()),
        _environments(cells),
        tuple(_cell(cell, names[cell.identity], sum(repeated)) for cell in cells),
    )


def _gated(cell: Repetitions) -> list[str]:
    """The metrics that all runs have, the headline among them."""
    name = headline_of(next(iter(cell.runs.values()))["protocol_card"])
    headline = cell.values(name).values()
    undefined = sum(value is None for value in headline)
    if undefined:
        raise UsageError(
            f"{cell.identity.label} on {cell.identity.table_name}: {name} is not a number in {undefined} of "
            f"{len(headline)} repetitions, wanted one in each, since it is what a check judges; run it again or leave "
            "it out of the results"
        )
    cutoff = _cutoff(cell)
    names = [*gated(name), *([f"map@{cutoff}"] if cutoff and name == HEADLINE else [])]
    return [name for name in dict.fromkeys(names) if None not in cell.values(name).values()]


def gated(headline: str) -> tuple[str, ...]:
    """The metrics that are judged beside that headline."""
    return GATED if headline == HEADLINE else GATED_NEIGHBOURS


def _cutoff(cell: Repetitions) -> int | None:
    cutoff: int | None = next(iter(cell.runs.values()))["protocol_card"]["cutoff"]
    return cutoff


def _directions(cells: Iterable[Repetitions], gated: Iterable[list[str]]) -> dict[str, str]:
    known = {metric.id: metric.direction for metric in declared_neighbours()}
    known |= {metric.id: metric.direction for cell in cells for metric in declared(_cutoff(cell))}
    return {name: known[name] for name in dict.fromkeys(name for names in gated for name in names)}


def _environments(cells: Iterable[Repetitions]) -> dict[str, Any]:
    records = [record for cell in cells for record in cell.runs.values()]
    named = {environment_id(r): {part: r["environment"][part] for part in ("hardware", "versions")} for r in records}
    return dict(sorted(named.items()))


def _cell(cell: Repetitions, names: list[str], figures: int) -> BaselineCell:
    metrics = {name: _figure([v for v in cell.values(name).values() if v is not None], figures) for name in names}
    return BaselineCell(cell.identity, common_environment(cell), tuple(sorted(cell.runs)), metrics)


def _figure(values: list[float], figures: int) -> Figure:
    """``figures`` is how many of them are judged by their spread; none means that no cell has several runs."""
    values = [round(value, DECIMALS) for value in values]
    if len(values) == 1:
        other = tolerance.DETERMINISTIC_TOLERANCE if figures else None
        return Figure(tuple(values), values[0], None, tolerance.SAME_RUNS_TOLERANCE, other, None)
    return Figure(
        tuple(values),
        round(statistics.fmean(values), DECIMALS),
        round(statistics.stdev(values), DECIMALS),
        tolerance.SAME_RUNS_TOLERANCE,
        round(tolerance.learn(values, figures), DECIMALS),
        tolerance.repetitions_needed(values, figures),
    )
