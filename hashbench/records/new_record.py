"""A record as it stands before its trial: what was asked for, where and from what; no result yet."""

from datetime import UTC, datetime

from hashbench.evaluation.metrics import METRIC_VERSION
from hashbench.records.environment import environment
from hashbench.records.schema import FORMAT
from hashbench.records.store import Record
from hashbench.records.trial_spec import REFERENCES, Job, Settings
from hashbench.util.device import pick_device
from hashbench.util.seeds import trial_seed

RESULTS = ("metrics", "queries", "curves", "diagnostics")
LOG_LINES = 20


def draft(job: Job, settings: Settings) -> Record:
    """A record with every field of the schema; status and error say that it did not end."""
    return {
        "format": FORMAT,
        "metric_version": METRIC_VERSION,
        "key": job.key,
        "fingerprint": dict(job.fingerprint),
        "status": "failed",
        "trial": job.trial.identity(),
        "variant": dict(job.variant),
        "supervised": job.supervised,
        "reference": job.trial.method in REFERENCES,
        **dict.fromkeys(RESULTS),
        "training": {"epochs": [], "facts": {}, "similarity": None},
        "protocol_card": {**job.card, "leaks": None},
        "features_sha256": None,
        "seconds": {},
        "memory": {"host_peak_bytes": None, "device_peak_bytes": None},
        "environment": environment(str(pick_device(settings.device))),
        "provenance": {
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **settings.provenance,
            "seeds": {"root": job.trial.seed, "trial": trial_seed(job.trial)},
        },
        "error": None,
    }


def explain(
    record: Record, status: str, phase: str | None, message: str, log: list[str], exception: str | None = None
) -> Record:
    """Turn a draft into the record of a trial that did not end well; results it may have had are taken out."""
    record |= {
        "status": status,
        **dict.fromkeys(RESULTS),
        "error": {"phase": phase, "exception": exception, "message": message, "log": log[-LOG_LINES:]},
    }
    return record
