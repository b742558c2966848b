"""Records made by hand, and on disk as trials leave them, with a per-query AP of the test's choice."""

import copy
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.records.new_record import mark_failed, new_record
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES, PlannedTrial, TrialSpec

CARD = {
    "id": "c" * 16,
    "content": "x",
    "sizes": {"query": 200, "database": 1597, "train": 1597},
    "missing": {"query": 0, "database": 0, "train": 0},
    "unlabelled": {"query": 0, "database": 0, "train": 0},
    "classes": 10,
    "cutoff": None,
}
TRIAL: dict[str, Any] = {
    "parameters": {},
    "dataset": "digits",
    "protocol": "digits/holdout-200",
    "features": "pixels",
    "features_dtype": "float32",
    "features_weights": None,
    "backbones": {},
    "preset": None,
    "limit": None,
    "repetition": 0,
    "seed": 0,
}
PROVENANCE = {"git_commit": None, "git_dirty": None, "command": "test"}
CLOCK = itertools.count()
IDENTITY = {"protocol", "features_dtype", "features_weights", "backbones", "repetition", "preset", "limit", "seed"}


def make_record(method: str, bits: int | None, value: float, **changes: Any) -> Record:
    """A record of ``method`` whose mAP@1000 is ``value``."""
    changed = changes.pop("variant", {})
    trial: dict[str, Any] = {
        **TRIAL,
        "parameters": changed,
        **{name: changes.pop(name) for name in list(changes) if name in IDENTITY},
    }
    card = {**CARD, **changes.pop("card", {})}
    made_by = {"device": "cpu", "versions": {"trial": 1}, "sources": {}, "distributions": {}}
    fingerprint = {"card": card["id"], **made_by}
    planned = PlannedTrial(
        TrialSpec(method, bits=bits, **trial), fingerprint, card, trial["protocol"], changed, **changes
    )
    record = new_record(planned, "cpu", PROVENANCE)
    names = ("map@1000", "map@all", "precision@100", "recall@1000", "adjusted_map@1000")
    curve = {"precision": [0.9, 0.5, 0.1], "recall": [0.1, 0.5, 1.0], "empty": [0.2, 0.0, 0.0]}
    record |= {
        "status": "ok",
        "metrics": {**dict.fromkeys(names, value), "precision@r2": None if bits is None else value, "chance": 0.106},
        "queries": {"scored": 198, "unanswerable": 2},
        "curves": {"radius": None if bits is None else curve, "rank": {"k": [1], "precision": [1.0], "recall": [0.1]}},
        "diagnostics": {},
        "seconds": {"fit": 1.5},
    }
    record["provenance"]["created"] = f"2026-01-01T00:{next(CLOCK):02d}:00.000+00:00"
    return record


def failed(record: Record) -> Record:
    return mark_failed(copy.deepcopy(record), "timeout", "fit", "stopped after its time-out of 5 s", [])


def grid_of_records() -> list[Record]:
    """Two methods and the references at two code lengths, and a method that failed at one of them."""
    return [
        make_record("itq", 16, 0.60),
        make_record("itq", 16, 0.64, repetition=1),
        make_record("itq", 32, 0.70),
        make_record("bgan", 16, 0.80),
        make_record("bgan", 32, 0.85),
        failed(make_record("slow", 16, 0.9)),
        make_record("slow", 32, 0.30),
        make_record(FLOAT_FEATURES, None, 0.72),
        make_record(RANDOM_CODES, 16, 0.106),
        make_record(RANDOM_CODES, 32, 0.106),
    ]


def write_records(
    folder: Path, records: Iterable[Record], per_query: Iterable[npt.NDArray[np.float64] | None] = ()
) -> Store:
    """Write records, and beside each the AP of queries 0, 1, ... where one is given, into a result folder."""
    store = Store(folder)
    store.prepare()
    values = iter(per_query)
    for record in records:
        trial = TrialSpec(**record["trial"])
        planned = PlannedTrial(trial, record["fingerprint"], record["protocol_card"], "")
        record["key"] = planned.key
        average_precision = next(values, None)
        if average_precision is not None:
            store.write_codes(
                planned, {"average_precision": average_precision, "query_items": np.arange(len(average_precision))}
            )
        store.write_record(planned, record)
    return store
