"""Published figures beside the records of this suite: the gap, and whether it counts as reproduced."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from hashbench.records.store import Record
from hashbench.reporting.published.figures import FigureTable

NO_RECORD, WITHIN, ABOVE, BELOW = "no record", "reproduced", "above", "below"


@dataclass(frozen=True)
class Verdict:
    """One published figure beside ours.

    Attributes:
        bits: code length.
        published: the figure.
        spread: its standard deviation, or None.
        ours: mean over repetitions, or None.
        deviation: our standard deviation, or None for fewer than two repetitions.
        repetitions: of ours.
        tolerance: the gap that counts as reproduced.
        stale: today's code would not make our record.
    """

    bits: int
    published: float
    spread: float | None
    ours: float | None
    deviation: float | None
    repetitions: int
    tolerance: float
    stale: bool

    @property
    def gap(self) -> float | None:
        """Ours less the published figure."""
        return None if self.ours is None else self.ours - self.published

    @property
    def verdict(self) -> str:
        """Reproduced where the gap is within the tolerance, above or below where it is not, or no record."""
        if self.gap is None:
            return NO_RECORD
        if abs(self.gap) <= self.tolerance:
            return WITHIN
        return ABOVE if self.gap > 0 else BELOW


def verdicts(table: FigureTable, method: str, records: Sequence[Record], stale_keys: frozenset[str]) -> list[Verdict]:
    """The table's figures of a method beside the finished records of its run here, by code length."""
    made = []
    for bits in table.bits(method):
        own = [record for record in records if _fits(record, table, method, bits)]
        values = [record["metrics"][table.metric] for record in own]
        made.append(
            Verdict(
                bits,
                table.rows[method][str(bits)],
                table.spread.get(method, {}).get(str(bits)),
                math.fsum(values) / len(values) if values else None,
                statistics.stdev(values) if len(values) > 1 else None,
                len(values),
                table.tolerance,
                any(record["key"] in stale_keys for record in own),
            )
        )
    return made


def recorded_repetitions(table: FigureTable, method: str, records: Sequence[Record]) -> int:
    """How many repetitions, from the first on, have a finished record of the table's run at all its code lengths."""
    numbers = []
    for bits in table.bits(method):
        there = {record["trial"]["repetition"] for record in records if _fits(record, table, method, bits)}
        numbers.append(next(number for number in count() if number not in there))
    return min(numbers, default=0)


def _fits(record: Record, table: FigureTable, method: str, bits: int) -> bool:
    """Whether a record is finished and of the table's run, with its hyper-parameters and no other changes."""
    trial, asked = record["trial"], table.parameters.get(method, {})
    here = {"method": method, "bits": bits, "protocol": table.protocol, "features": table.features}
    if any(trial[name] != value for name, value in here.items()) or trial.get("neighbours", "") != table.neighbours:
        return False
    changed = trial["limit"] is not None or trial["preset"] is not None or record["variant"].keys() - asked.keys()
    same = all(trial["parameters"].get(name) == value for name, value in asked.items())
    value = (record["metrics"] or {}).get(table.metric)
    return record["status"] == "ok" and not changed and same and isinstance(value, float)
