"""The cells of a result folder with all their repetitions, over all root seeds."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from hashbench.records.newest import newest_records
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
    """

    identity: Identity
    runs: dict[Run, Record] = field(default_factory=dict)
    files: dict[Run, Path] = field(default_factory=dict)
    failed: list[Record] = field(default_factory=list)

    def values(self, metric: str) -> dict[Run, float | None]:
        """A metric of each run; None where it is not defined or not finite."""
        return {run: _number(record["metrics"].get(metric)) for run, record in sorted(self.runs.items())}


def repetitions(results: Results) -> dict[Identity, Repetitions]:
    """The cells of a result folder; of records of one trial the newest counts."""
    cells: dict[Identity, Repetitions] = {}
    for record in newest_records(results.records).values():
        identity = Identity.of(record)
        cell = cells.setdefault(identity, Repetitions(identity))
        if record["status"] != "ok":
            cell.failed.append(record)
            continue
        run = (record["trial"]["seed"], record["trial"]["repetition"])
        cell.runs[run] = record
        if record["key"] in results.files:
            cell.files[run] = results.files[record["key"]]
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
