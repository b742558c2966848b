"""Result folders made by hand: records with the metrics, runs and surroundings that a test needs."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.records.new_record import mark_failed, new_record
from hashbench.records.results import Results, results_so_far
from hashbench.records.store import Record, Store, to_json
from hashbench.records.trial_spec import REFERENCES, PlannedTrial, TrialSpec
from tests.reporting.made_records import CARD, TRIAL

MACHINES: dict[str, dict[str, Any]] = {
    name: {"id": name * 12, "cpu": f"cpu {name}", "cores": 2, "gpus": [], "driver": None, "device": "cpu", "threads": 1}
    for name in "ab"
}
CLOCK = itertools.count()
METRICS = ("map@1000", "map@all", "precision@100", "precision@r2")


@dataclass(frozen=True)
class ResultFolder:
    """A folder that records are added to."""

    path: Path

    def read(self) -> Results:
        return results_so_far(self.path)

    def add(
        self,
        value: float | None = 0.5,
        method: str = "itq",
        ap: npt.NDArray[np.float64] | None = None,
        machine: str = "a",
        **changes: Any,
    ) -> Path:
        """A finished record whose gated metrics are ``value``, or those in ``metrics``; ``ap`` lies beside it.

        ``changes`` are fields of the trial, or "metrics", "variant", "card", "metric_version", "versions", "sources",
        "supervised", "device" (its kind).
        """
        record, planned = self._draft(method, machine, changes)
        record |= {
            "status": "ok",
            "metrics": {**dict.fromkeys(METRICS, value), "chance": 0.1, **changes.get("metrics", {})},
            "queries": {"scored": 200, "unanswerable": 0},
            "curves": {"radius": None, "rank": {"k": [1], "precision": [1.0], "recall": [0.1]}},
            "diagnostics": {},
        }
        file = self._write(record, planned)
        if ap is not None:
            items = changes.get("items", np.arange(len(ap)))
            np.savez(file.with_suffix(".npz"), average_precision=ap, query_items=items)
        return file

    def add_failed(self, method: str = "itq", status: str = "failed", message: str = "boom", **changes: Any) -> Path:
        record, planned = self._draft(method, "a", changes)
        return self._write(mark_failed(record, status, "fit", message, []), planned)

    def add_runs(self, values: Any, method: str = "itq", **changes: Any) -> None:
        """A record for each repetition."""
        for repetition, value in enumerate(values):
            self.add(float(value), method, repetition=repetition, **changes)

    def add_rates(self, record: Path, scale: float = 1.0, **changes: Any) -> Path:
        """A throughput file of a record: 100 images/s, 5 queries/s, quartiles 2 % around, times ``scale``."""
        key = record.stem.rpartition("-")[2]

        def rate(median: float) -> dict[str, float]:
            return {"median": scale * median, "q1": scale * median * 0.98, "q3": scale * median * 1.02}

        search = {"queries_per_s": rate(5.0), "latency_ms": {"p50": 1.0, "p95": 1.0, "p99": 1.0}}
        content: dict[str, Any] = {
            "format": 2,
            "key": key,
            "measured": "2026-01-01T00:00:00+00:00",
            "hardware": MACHINES["a"],
            "encode": {"images_per_s": {**rate(100.0), "single": rate(10.0)}, "features_per_s": None},
            "search": {"10": search},
            "bytes_per_item": 8,
            **changes,
        }
        content = {name: value for name, value in content.items() if value is not None}
        file = self.path / "throughput" / f"{key}-{content['hardware']['id']}.json"
        file.write_bytes(to_json(content))
        return file

    def _draft(self, method: str, machine: str, changes: dict[str, Any]) -> tuple[Record, PlannedTrial]:
        trial = {**TRIAL, "bits": 16}
        trial |= {name: value for name, value in changes.items() if name in trial}
        card = {**CARD, **changes.get("card", {})}
        made_by: dict[str, Any] = {
            "device": changes.get("device", "cpu"),
            "versions": {"trial": 1},
            "distributions": {},
        }
        fingerprint = {**made_by, "card": card["id"], "sources": changes.get("sources", {})}
        variant, supervised = changes.get("variant", {}), changes.get("supervised", False)
        planned = PlannedTrial(TrialSpec(method, **trial), fingerprint, card, trial["protocol"], variant, supervised)
        record = new_record(planned, "cpu", {"git_commit": None})
        record["reference"] = method in REFERENCES
        record["metric_version"] = changes.get("metric_version", record["metric_version"])
        record["environment"]["hardware"] = MACHINES[machine]
        record["environment"]["versions"] = {"torch": changes.get("versions", "1")}
        second = next(CLOCK)
        record["provenance"] |= {
            "created": f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        }
        record["provenance"] |= {"git_dirty": None, "command": "test"}
        return record, planned

    def _write(self, record: Record, planned: PlannedTrial) -> Path:
        store = Store(self.path)
        store.prepare()
        store.write_record(planned, record)
        return store.record_path(planned)
