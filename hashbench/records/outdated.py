"""Records that today's code would not make: kept, named with a reason, and left out where a current one is there."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hashbench.records.newest import newest_and_left_out
from hashbench.records.results import Results
from hashbench.records.store import Record

Kind = Literal["stale", "superseded", "gone"]
KINDS: tuple[Kind, ...] = ("stale", "superseded", "gone")
WAY_OUT = (
    "stale, superseded, gone: today's code would not make these results; hashbench run --rerun stale makes anew what "
    "is stale, hashbench run what is superseded; for what is gone set HASHBENCH_PLUGINS or mend the plugin; "
    "--allow-stale judges all as they are"
)

_RESOLVED = ("parameters", "backbones")  # parts of a trial that follow from what was asked for


@dataclass(frozen=True)
class Outdated:
    """Why a record is not what today's code would make.

    Attributes:
        kind: "stale" (its sources, data or engine changed), "superseded" (the same request has other parameters
            today) or "gone" (its method, data set or features are not here).
        reason: one phrase.
    """

    kind: Kind
    reason: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


OutdatedRecords = Mapping[str, Outdated]
"""Why records are outdated, by their key; those that it lacks are current."""

FindOutdated = Callable[[Results], OutdatedRecords]
"""Finds the outdated ones among results."""

NONE_OUTDATED: OutdatedRecords = MappingProxyType({})


def none_outdated(_results: Results) -> OutdatedRecords:
    """Every record is current, for results that today's code is not to be held against."""
    return NONE_OUTDATED


def records_that_count(records: Iterable[Record], outdated: OutdatedRecords) -> tuple[list[Record], list[Record]]:
    """The newest record of each trial, current ones before outdated ones; and those of other kinds of device.

    An outdated record counts only where the same was not made by today's code: the same method, bits, protocol,
    features, limit, seed, repetition, preset and changed parameters. Of several such the newest counts. Where a cell
    has records of several kinds of device, those that :func:`by_device` leaves out are the second list; outdated ones
    of another kind than the current ones count nowhere.
    """
    records = list(records)
    current = frozenset(record["key"] for record in records) - outdated.keys()
    asked = {id(record): _asked(record) for record in records}
    made_today = {asked[id(record)] for record in records if record["key"] in current}
    kept = [record for record in records if record["key"] in current or asked[id(record)] not in made_today]
    devices: dict[str, set[str]] = {}  # of current records, by cell: outdated ones of other devices do not outvote them
    cells = [(_cell(record), record["fingerprint"]["device"], record) for record in kept]
    for cell, device, record in cells:
        if record["key"] in current:
            devices.setdefault(cell, set()).add(device)
    kept = [record for cell, device, record in cells if cell not in devices or device in devices[cell]]
    newest, left_out = newest_and_left_out(kept, current)
    counted = {}
    for record in sorted(newest.values(), key=_age):
        name = f"{asked[id(record)]} on {record['fingerprint']['device']}"
        counted[record["key"] if record["key"] in current else name] = record
    return list(counted.values()), left_out


def _age(record: Record) -> tuple[str, str]:
    return str(record["provenance"]["created"]), str(record["key"])


def _cell(record: Record) -> str:
    """What was asked for, over all repetitions."""
    return _asked({**record, "trial": {**record["trial"], "repetition": None}})


def _asked(record: Record) -> str:
    """What was asked for, without what followed from it."""
    trial = {name: value for name, value in record["trial"].items() if name not in _RESOLVED}
    return json.dumps([trial, record["variant"], record["protocol_card"]["id"], record["supervised"]], sort_keys=True)
