"""A record as it stands before its trial: what was asked for, where and from what; no result yet."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hashbench.evaluation.metrics import METRIC_VERSION
from hashbench.records.environment import environment
from hashbench.records.schema import FORMAT
from hashbench.records.store import Record
from hashbench.records.trial_spec import REFERENCES, PlannedTrial
from hashbench.util.device import pick_device

RESULTS = ("metrics", "queries", "curves", "diagnostics")
LOG_LINES = 20


def new_record(planned: PlannedTrial, device: str, provenance: Mapping[str, Any]) -> Record:
    """A record with every field of the schema; status and error say that it did not end.

    Args:
        planned: the trial.
        device: where it runs; as in :func:`pick_device`.
        provenance: git commit, command line and such.
    """
    return {
        "format": FORMAT,
        "metric_version": METRIC_VERSION,
        "key": planned.key,
        "fingerprint": dict(planned.fingerprint),
        "status": "failed",
        "trial": planned.trial.identity(),
        "variant": dict(planned.variant),
        "supervised": planned.supervised,
        "reference": planned.trial.method in REFERENCES,
        **dict.fromkeys(RESULTS),
        "training": {"epochs": [], "facts": {}, "similarity": None},
        "protocol_card": {**planned.card, "leaks": None},
        "features_sha256": None,
        "seconds": {},
        "memory": {"host_peak_bytes": None, "device_peak_bytes": None},
        "environment": environment(str(pick_device(device))),
        "provenance": {
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **provenance,
            "seeds": {"root": planned.trial.seed, "trial": planned.trial.own_seed},
        },
        "error": None,
    }


def mark_failed(
    record: Record, status: str, phase: str | None, message: str, log: list[str], exception: str | None = None
) -> Record:
    """Turn a draft into the record of a trial that did not end well; results it may have had are taken out."""
    record |= {
        "status": status,
        **dict.fromkeys(RESULTS),
        "error": {"phase": phase, "exception": exception, "message": message, "log": log[-LOG_LINES:]},
    }
    return record
