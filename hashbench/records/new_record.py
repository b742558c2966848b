"""Makes a trial's record before it runs: identity, environment and provenance, no results yet."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hashbench.evaluation.headline import METRIC_VERSION
from hashbench.records.environment import environment
from hashbench.records.schema import FORMAT
from hashbench.records.store import Record
from hashbench.records.trial_spec import REFERENCES, PlannedTrial
from hashbench.util.device import pick_device

RESULT_FIELDS = ("metrics", "queries", "curves", "diagnostics", "bytes_per_item")
MAX_LOG_LINES = 20


def new_record(planned: PlannedTrial, device: str, provenance: Mapping[str, Any]) -> Record:
    """A record with every field of the schema; its status is "failed" until results are filled in.

    Args:
        planned: the trial.
        device: its device, as in :func:`pick_device`.
        provenance: git commit, command line and the like.
    """
    return {
        "format": FORMAT,
        "metric_version": METRIC_VERSION,
        "key": planned.key,
        "fingerprint": dict(planned.fingerprint),
        "status": "failed",
        "trial": planned.trial.identity(),
        "variant": dict(planned.changed_parameters),
        "named_variant": planned.trial.named_variant,
        "remark": planned.remark,
        "supervised": planned.supervised,
        **({"information": planned.information} if planned.information != "images" else {}),
        "reference": planned.trial.method in REFERENCES,
        **dict.fromkeys(RESULT_FIELDS),
        "training": {"epochs": [], "facts": {}, "similarity": None},
        "protocol_card": {**planned.card, "leaks": None},
        "features_sha256": None,
        "seconds": {},
        "memory": {"host_peak_bytes": None, "device_peak_bytes": None},
        "environment": environment(str(pick_device(device))),
        "provenance": {
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **provenance,
            "seeds": {"root": planned.trial.seed, "trial": planned.own_seed},
        },
        "error": None,
    }


def mark_failed(
    record: Record, status: str, phase: str | None, message: str, log: list[str], exception: str | None = None
) -> Record:
    """Make ``record``, which is changed and returned, that of a trial that failed; removes any results.

    Args:
        record: of :func:`new_record`.
        status: "failed", "timeout", "oom", "killed" or "skipped".
        phase: the phase that the trial was in.
        message: one line for the user.
        log: the trial's log, of which the last lines are recorded.
        exception: its type, if there was one.
    """
    record |= {
        "status": status,
        **dict.fromkeys(RESULT_FIELDS),
        "error": {"phase": phase, "exception": exception, "message": message, "log": log[-MAX_LOG_LINES:]},
    }
    return record
