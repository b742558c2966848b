"""Result folders of any size without a trial: records that fit their schema, per-query AP, rates.

``python -m tests.benchmarks.synthetic_results FOLDER 5000 [SHAPE]``; SHAPE is a name of :data:`SHAPES`.
"""

import copy
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hashbench.planning.fingerprint import fingerprint
from hashbench.plugins.hyperparameters import resolve, resolve_for_run
from hashbench.plugins.registry import METHODS
from hashbench.records.new_record import new_record
from hashbench.records.store import Record, Store, stem, to_json
from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES, PlannedTrial, TrialSpec
from tests.reporting.made_records import CARD, PROVENANCE, TRIAL
from tests.reporting.many_records import EXTRA, METRICS, RANKS

METHOD = "itq"  # whose hyper-parameters are typed and cheap to resolve, for as many rows as are wanted
BITS = (12, 16, 32, 64, 128)
CHANCE = 0.106
CPU = torch.device("cpu")
DIAGNOSTICS = {"balance_deviation_mean": 0.02, "constant_bits": 0, "correlation_mean": 0.1, "tied_share@1000": 0.9}


@dataclass(frozen=True)
class Shape:
    """How records spread: rows of a table (None for as many as it takes), and repetitions of a cell (likewise)."""

    rows: int | None
    repetitions: int | None


SHAPES = {
    "tables": Shape(20, 5),  # one table of 500 cells' records after the other
    "repetitions": Shape(20, None),  # one table of 100 cells, however many records
    "rows": Shape(None, 3),  # one table of ever more rows
}


def write_results(folder: Path, records: int, shape: str = "tables", queries: int = 1000, shift: float = 0.0) -> None:
    """Write that many records of methods, and the references of their tables, with what lies beside them.

    Args:
        folder: a new result folder.
        records: how many, references not counted.
        shape: how they spread over tables, rows and repetitions.
        queries: of each table.
        shift: added to every AP, for a second folder to compare with.
    """
    store = Store(folder)
    store.prepare()
    generator = np.random.default_rng(0)
    difficulty = generator.normal(0, 0.15, queries)
    for planned, value in _trials(records, SHAPES[shape]):
        noise = generator.normal(0, 0.02, queries)
        ap = np.clip(value + shift + difficulty + noise, 0, 1)
        path = store.records_folder / f"{stem(planned)}.json"
        path.write_bytes(to_json(_record(planned, float(ap.mean()))))
        with path.with_suffix(".npz").open("wb") as stream:
            np.savez_compressed(stream, average_precision=ap, query_items=np.arange(queries))
        if planned.trial.method == METHOD and planned.trial.repetition == 0:
            store.write_throughput(_rates(planned))


def _trials(records: int, shape: Shape) -> Iterator[tuple[PlannedTrial, float]]:
    """Trials with the mean AP that each is to have."""
    repetitions = shape.repetitions or -(-records // ((shape.rows or 1) * len(BITS)))
    rows = shape.rows or -(-records // (repetitions * len(BITS)))
    skills = np.random.default_rng(1).uniform(0.15, 0.75, rows)
    own = (
        (table, _planned(METHOD, bits, repetition, table, {"iterations": row + 1}), skills[row], bits)
        for table in count()
        for row in range(rows)
        for bits in BITS
        for repetition in range(repetitions)
    )
    tables = set()
    for table, planned, skill, bits in islice(own, records):
        tables.add(table)
        yield planned, float(skill * (1 - np.exp(-bits / 18)))
    for table in sorted(tables):
        yield _planned(FLOAT_FEATURES, None, 0, table, {}), 0.6
        yield from ((_planned(RANDOM_CODES, bits, 0, table, {}), CHANCE) for bits in BITS)


def _planned(method: str, bits: int | None, repetition: int, table: int, variant: Mapping[str, Any]) -> PlannedTrial:
    names = {"parameters": _parameters(**variant) if variant else {}, "protocol": f"digits/holdout-{table}"}
    trial = TrialSpec(method, bits=bits, **{**TRIAL, **names, "repetition": repetition})
    return PlannedTrial(trial, _fingerprint(method), CARD, trial.protocol, variant)


@cache
def _parameters(**variant: Any) -> Mapping[str, Any]:
    method = METHODS.get(METHOD)
    return resolve_for_run(method, resolve(METHOD, method, variant), "pixels", CPU)


@cache
def _fingerprint(method: str) -> Mapping[str, Any]:
    """Of today's code, so that the records are current."""
    trial = TrialSpec(method, bits=16, **{**TRIAL, "parameters": {}})
    return fingerprint(trial, str(CARD["id"]), CPU)


def _record(planned: PlannedTrial, value: float) -> Record:
    trial, record = planned.trial, copy.deepcopy(_template())
    record |= {
        "key": planned.key,
        "fingerprint": dict(planned.fingerprint),
        "trial": trial.identity(),
        "variant": dict(planned.changed_parameters),
        "reference": trial.method != METHOD,
        "metrics": {**dict.fromkeys((*METRICS, *EXTRA), value), "chance": CHANCE},
        "diagnostics": {**DIAGNOSTICS, "unique_share": 0.5} if trial.bits else {},
    }
    radii = np.linspace(0, 1, (trial.bits or 1) + 1)
    shown = {"precision": (value * (1 - radii / 2)).tolist(), "recall": radii.tolist(), "empty": (1 - radii).tolist()}
    ranks = np.array(RANKS) / RANKS[-1]
    by_rank = {"k": RANKS, "precision": (value * (1 - 0.5 * ranks)).tolist(), "recall": ranks.tolist()}
    record["curves"] = {"radius": shown if trial.bits else None, "rank": by_rank}
    record["training"]["epochs"] = [{"epoch": epoch, "objective": 1.0 / epoch} for epoch in range(1, 11)]
    record["provenance"]["seeds"]["trial"] = trial.own_seed
    return record


@cache
def _template() -> Record:
    record = new_record(_planned(METHOD, 16, 0, 0, {}), "cpu", PROVENANCE)
    return record | {
        "status": "ok",
        "queries": {"scored": 1000, "unanswerable": 0},
        "seconds": {"fit": 1.5},
        "provenance": {**record["provenance"], "created": "2026-01-01T00:00:00.000+00:00"},
    }


def _rates(planned: PlannedTrial) -> Record:
    template, bits = _template(), planned.trial.bits or 8
    rate = {"median": 1e4, "q1": 1e4, "q3": 1e4}
    search = {"100": {"queries_per_s": {**rate, "median": 2e5 / bits}, "latency_ms": {"p50": 1, "p95": 1, "p99": 1}}}
    return {
        "format": template["format"],
        "key": planned.key,
        "hardware": template["environment"]["hardware"],
        "encode": {"images_per_s": {**rate, "batch": 64, "single": rate}, "features_per_s": None},
        "search": search,
        "bytes_per_item": bits // 8,
    }


if __name__ == "__main__":
    write_results(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "tables")
