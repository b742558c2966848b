"""Codes from elsewhere become a record like that of a trial, in the table they belong to."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.evaluation.evaluate import evaluate
from hashbench.evaluation.warm_up import warm_up
from hashbench.execution import references
from hashbench.external.arrays import CODES, Arrays
from hashbench.external.encodings import decode
from hashbench.external.ground_truth import PARTS, SCORED, Given, Standing, own_standing
from hashbench.external.labels import check_items, check_labels
from hashbench.external.protocol import protocol_standing
from hashbench.external.score_request import EXTERNAL, Features, Statement, stated_features
from hashbench.features.spec import source_file
from hashbench.planning.fingerprint import source_sums
from hashbench.plugins.registry import DATASETS
from hashbench.records.environment import host_peak_bytes
from hashbench.records.new_record import draft
from hashbench.records.outcome import kept_arrays, outcome
from hashbench.records.results import results
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import RANDOM_CODES, Job, Settings, Trial
from hashbench.util.device import pick_device
from hashbench.util.seeds import trial_seed

OWN_TABLE = "labels"
VARIANT = {"codes": EXTERNAL}  # in the row's label, and in its identity: no trained trial is called that

CodesPair = tuple[Codes, Codes]


@dataclass(frozen=True)
class Scored:
    """What came of codes from elsewhere.

    Attributes:
        record: as it was written; its fingerprint has the sums of the codes under "scored".
        file: where it lies.
        notes: lines on what was taken for granted, or left alone.
    """

    record: Record
    file: Path
    notes: list[str]


def score_arrays(arrays: Arrays, statement: Statement, settings: Settings) -> Scored:
    """Check, score and keep codes: the record, the arrays beside it, and random codes as the floor of their table.

    The same codes under the same statement have the same key, whatever their encoding; the record is then made anew.

    Raises:
        UsageError: codes, labels and statement do not fit each other or the protocol; one line, nothing is written.
    """
    codes = {name: decode(name, arrays.values[name], statement.encoding, statement.bits) for name in CODES}
    query, database = (codes[name] for name in CODES)
    if query.bits != database.bits:
        raise UsageError(f"query_codes have {query.bits} bits and database_codes {database.bits}, wanted the same")
    given = _given(arrays, {"query": len(query), "database": len(database)})
    features = stated_features(statement, settings)
    if statement.protocol is None:
        standing = own_standing(given, statement.table or OWN_TABLE, statement.cutoff)
    else:
        standing = protocol_standing(statement.protocol, given, settings)
    placed = query[standing.rows[0]], database[standing.rows[1]]
    job = _scored_job(statement, standing, features, placed)
    extra = {"scored": {"encoding": statement.encoding or "bool", "files": dict(arrays.sums)}}
    notes = [*standing.notes, *_unread(arrays), *_replaced(job, settings.results)]
    record = _keep(job, placed, standing, settings, extra)
    _keep_floor(statement, standing, features, query.bits, settings)
    return Scored(record, Store(settings.results).record_path(job), notes)


def _given(arrays: Arrays, sizes: Mapping[str, int]) -> Given:
    values = arrays.values
    labelled, numbered = ([part for part in PARTS if f"{part}_{kind}" in values] for kind in ("labels", "items"))
    labels = {part: check_labels(name := f"{part}_labels", values[name], sizes[part]) for part in labelled}
    items = {part: check_items(name := f"{part}_items", values[name], sizes[part]) for part in numbered}
    return Given(sizes, labels, items)


def _unread(arrays: Arrays) -> list[str]:
    return [f"not read: {', '.join(arrays.unread)}"] if arrays.unread else []


def _replaced(job: Job, folder: Path) -> list[str]:
    """What a table shows only the newest of: earlier codes under the same name, bits and repetition."""
    identity = job.trial.identity()
    earlier = [each["key"] for each in results(folder).records if each["trial"] == identity and each["key"] != job.key]
    if not earlier:
        return []
    return [
        f"tables show these codes instead of earlier ones called {job.trial.method} (record {', '.join(earlier)}); "
        f"for another seed of the method say --repetition {job.trial.repetition + 1}"
    ]


def _scored_job(statement: Statement, standing: Standing, features: Features, codes: CodesPair) -> Job:
    trial = _trial(statement.name, VARIANT, codes[0].bits, statement.repetition, standing, features)
    sums = {name: _code_sum(each) for name, each in zip(CODES, codes, strict=True)}
    fingerprint = {"card": standing.card["id"], "files": {}, "scored": sums}
    return Job(trial, fingerprint, standing.card, standing.protocol, VARIANT, statement.supervised)


def _trial(
    method: str, parameters: Mapping[str, Any], bits: int, repetition: int, standing: Standing, features: Features
) -> Trial:
    return Trial(
        method=method,
        parameters=parameters,
        bits=bits,
        dataset=standing.dataset,
        protocol=standing.protocol,
        features=features.name,
        features_dtype=features.dtype,
        features_weights=features.weights,
        backbones={},
        preset=None,
        limit=None,
        repetition=repetition,
        seed=0,
    )


def _code_sum(codes: Codes) -> str:
    return hashlib.sha256(f"{codes.bits} {codes.packed.shape}".encode() + codes.packed.tobytes()).hexdigest()[:16]


def _keep_floor(statement: Statement, standing: Standing, features: Features, bits: int, settings: Settings) -> None:
    """Score random codes, unless they are there: under features of hashbench's the very trial a grid would run."""
    trial = _trial(RANDOM_CODES, {}, bits, statement.repetition, standing, features)
    sources = [Path(references.__file__)]
    sources += [] if features.name.partition(":")[0] == EXTERNAL else [source_file(features.name)]
    sources += [] if standing.dataset == SCORED else [DATASETS.file(standing.dataset)]
    fingerprint = {"card": standing.card["id"], "files": source_sums(*sources)}
    job = Job(trial, fingerprint, standing.card, standing.protocol)
    there = Store(settings.results).read(job)
    if there is None or there["status"] != "ok":
        queries, items = (len(each) for each in standing.items)
        drawn = references.random_codes(queries + items, bits, trial_seed(trial))
        _keep(job, (drawn[:queries], drawn[queries:]), standing, settings, {})


def _keep(job: Job, codes: CodesPair, standing: Standing, settings: Settings, provenance: Mapping[str, Any]) -> Record:
    """Evaluate, then write the arrays and the record."""
    device = pick_device(settings.device)
    warm_up(device)
    start = time.perf_counter()
    try:
        scores = evaluate(*codes, *standing.labels, standing.card["cutoff"], device)
    except ValueError as error:
        raise UsageError(str(error)) from None
    record = draft(job, settings)
    record |= {
        "status": "ok",
        **outcome(scores),
        "protocol_card": dict(standing.card),
        "seconds": {"evaluate": time.perf_counter() - start},
        "memory": {
            "host_peak_bytes": host_peak_bytes(),
            "device_peak_bytes": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        },
    }
    record["provenance"] |= provenance
    store = Store(settings.results)
    store.prepare()
    store.write_codes(job, kept_arrays(scores, standing.labels, standing.items, codes))
    store.write_record(job, record)
    return record
