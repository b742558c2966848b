"""The newest record of each trial: a result folder may have several, made from other sources or on other days."""

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
    """

    def age(record: Record) -> tuple[bool, str, str]:
        return record["key"] in preferred, str(record["provenance"]["created"]), str(record["key"])

    return {trial_id(record["trial"]): record for record in sorted(records, key=age)}
