"""The cells of a result folder with all their repetitions, over all root seeds."""

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hashbench.records.outdated import NONE_OUTDATED, Outdated, OutdatedRecords, records_that_count
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.reporting.identity import Identity

Run = tuple[int, int]
"""A repetition: the root seed, and its number under it."""


@dataclass
class Repetitions:
    """All runs of one cell.

    Attributes:
        identity: which cell.
        runs: the finished records.
        files: where those lie.
        failed: records of runs that did not finish.
        left_out: records of other kinds of device than the one that has more repetitions.
        outdated: why records of runs, finished or not, are not what today's code would make.
    """

    identity: Identity
    runs: dict[Run, Record] = field(default_factory=dict)
    files: dict[Run, Path] = field(default_factory=dict)
    failed: list[Record] = field(default_factory=list)
    left_out: list[Record] = field(default_factory=list)
    outdated: dict[Run, Outdated] = field(default_factory=dict)

    def values(self, metric: str) -> dict[Run, float | None]:
        """A metric of each run; None where it is not defined or not finite."""
        return {run: _number(record["metrics"].get(metric)) for run, record in sorted(self.runs.items())}


def repetitions(results: Results, outdated: OutdatedRecords = NONE_OUTDATED) -> dict[Identity, Repetitions]:
    """The cells of a result folder; of records of one trial the newest counts, current ones before outdated ones."""
    cells: dict[Identity, Repetitions] = {}
    counted, left_out = records_that_count(results.records, outdated)
    for record in counted:
        identity = Identity.of(record)
        cell = cells.setdefault(identity, Repetitions(identity))
        run = (record["trial"]["seed"], record["trial"]["repetition"])
        if record["key"] in outdated:
            cell.outdated[run] = outdated[record["key"]]
        if record["status"] != "ok":
            cell.failed.append(record)
            continue
        cell.runs[run] = record
        if record["key"] in results.files:
            cell.files[run] = results.files[record["key"]]
    for record in left_out:
        identity = Identity.of(record)
        if identity in cells:
            cells[identity].left_out.append(record)
            if record["key"] not in outdated and record["status"] not in ("ok", "skipped"):
                cells[identity].failed.append(record)  # today's code failed there, however many finished elsewhere
    return cells


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def run_text(run: Run) -> str:
    """The name of a run in reports: "0/3" is repetition 3 under root seed 0."""
    return f"{run[0]}/{run[1]}"


def failure_reason(cell: Repetitions) -> str:
    """Why runs did not finish, the first in words; empty where all did."""
    if not cell.failed:
        return ""
    first = min(cell.failed, key=lambda r: (r["trial"]["seed"], r["trial"]["repetition"]))
    error = first["error"] or {}
    where = f" in {error['phase']}" if error.get("phase") else ""
    message = str(error.get("message", "")).partition("\n")[0]
    count = f"{len(cell.failed)} of {len(cell.failed) + len(cell.runs)} repetitions: " if cell.runs else ""
    return f"{count}{first['status']}{where}: {message}"


def left_out_reason(cell: Repetitions) -> str:
    """Which records of other kinds of device were left out; empty where none were."""
    kinds = Counter(record["fingerprint"]["device"] for record in cell.left_out)
    failed = sum(record["status"] != "ok" for record in cell.left_out)
    counts = ", ".join(f"{count} of {kind}" for kind, count in sorted(kinds.items()))
    return f"left out: {counts}{f' ({failed} did not finish)' if failed else ''}" if counts else ""


def outdated_reason(cell: Repetitions) -> Outdated | None:
    """Why today's code would not make what the cell has, the first in words; None where all is current."""
    if not cell.outdated:
        return None
    first = cell.outdated[min(cell.outdated)]
    total = len(cell.runs.keys() | cell.outdated.keys() | _runs_of(cell.failed))
    count = f"{len(cell.outdated)} of {total} repetitions: " if len(cell.outdated) < total else ""
    return Outdated(first.kind, count + first.reason)


def _runs_of(records: list[Record]) -> set[Run]:
    return {(record["trial"]["seed"], record["trial"]["repetition"]) for record in records}
