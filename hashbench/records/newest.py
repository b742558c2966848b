"""The newest record of each trial: a result folder may have several, of other sources, days or kinds of device."""

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

from hashbench.records.store import Record


def trial_id(trial: Mapping[str, Any]) -> str:
    """Equal for records that were asked for the same trial, ``record["trial"]``, whatever sources made them."""
    return json.dumps(trial, sort_keys=True)


def newest_records(records: Iterable[Record], preferred: Container[str] = frozenset()) -> dict[str, Record]:
    """The newest record of each trial by its :func:`trial_id`; one whose key is ``preferred`` wins over newer ones.

    Of records of the same time the one with the higher key counts, so the order of ``records`` makes no difference.
    Where a cell has records of several kinds of device, those that :func:`by_device` leaves out do not count.
    """
    return newest_and_left_out(records, preferred)[0]


def newest_and_left_out(
    records: Iterable[Record], preferred: Container[str] = frozenset()
) -> tuple[dict[str, Record], list[Record]]:
    """:func:`newest_records`, and the records of other kinds of device that :func:`by_device` leaves out."""

    def age(record: Record) -> tuple[bool, str, str]:
        return record["key"] in preferred, str(record["provenance"]["created"]), str(record["key"])

    shown, left_out = by_device(records, preferred)
    return {trial_id(record["trial"]): record for record in sorted(shown, key=age)}, left_out


def by_device(records: Iterable[Record], preferred: Container[str] = frozenset()) -> tuple[list[Record], list[Record]]:
    """Records of one kind of device for each cell, and those of other kinds, which are left out.

    A cell is a trial over all its repetitions. It is shown by the kind with the most finished repetitions; of as many,
    by the kind that has a ``preferred`` key, then by the one with the newest record.
    """
    cells: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        cell = trial_id({**record["trial"], "repetition": None})
        cells.setdefault(cell, {}).setdefault(record["fingerprint"]["device"], []).append(record)

    def weight(item: tuple[str, list[Record]]) -> tuple[int, bool, str, str]:
        kind, own = item
        finished = {record["trial"]["repetition"] for record in own if record["status"] == "ok"}
        newest = max(str(record["provenance"]["created"]) for record in own)
        return len(finished), any(record["key"] in preferred for record in own), newest, kind

    shown: list[Record] = []
    left_out: list[Record] = []
    for kinds in cells.values():
        ordered = sorted(kinds.items(), key=weight)
        shown += ordered[-1][1]
        left_out += [record for _, own in ordered[:-1] for record in own]
    return shown, left_out
