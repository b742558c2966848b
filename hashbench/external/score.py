"""Scores codes that were made elsewhere into a record like that of a trial."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.evaluation.evaluate import evaluate, warm_up
from hashbench.execution import references
from hashbench.execution.settings import Settings
from hashbench.external.arrays import CODES, Arrays
from hashbench.external.encodings import decode
from hashbench.external.ground_truth import (
    PARTS,
    GroundTruth,
    ProvidedLabels,
    ground_truth_from_labels,
    with_own_rows_by_content,
)
from hashbench.external.labels import check_items, check_labels
from hashbench.external.own_items import NONE
from hashbench.external.protocol import ground_truth_from_protocol
from hashbench.external.score_request import Features, ScoreRequest, resolve_features
from hashbench.planning.fingerprint import bare_fingerprint, fingerprint
from hashbench.records.environment import peak_memory, start_peak_memory
from hashbench.records.new_record import new_record
from hashbench.records.newest import trial_id
from hashbench.records.results import results
from hashbench.records.scores import saved_arrays, score_fields
from hashbench.records.store import IrreplaceableError, Record, Store, check_replaceable
from hashbench.records.trial_spec import EXTERNAL, RANDOM_CODES, PlannedTrial, TrialSpec
from hashbench.util.device import pick_device

OWN_TABLE = "labels"
EXTERNAL_PARAMETERS = {"codes": EXTERNAL}  # in the row's label, and in its identity: no trained trial is called that

CodesPair = tuple[Codes, Codes]


@dataclass(frozen=True)
class Scored:
    """The result of scoring codes from elsewhere.

    Attributes:
        record: as it was written; its fingerprint has the sums of the codes under "scored".
        file: where it lies.
        notes: lines on what was taken for granted, or not replaced.
    """

    record: Record
    file: Path
    notes: list[str]


def score_arrays(arrays: Arrays, request: ScoreRequest, settings: Settings) -> Scored:
    """Check, score and store codes: the record, the arrays beside it, and random codes as the floor of their table.

    The same codes under the same request have the same key, whatever their encoding; the record is then overwritten.

    Raises:
        UsageError: codes, labels and request do not fit each other or the protocol; one line, nothing is written.
    """
    encoding = request.encoding, request.bits, request.bit_order
    codes = {name: decode(name, arrays.values[name], *encoding) for name in CODES}
    query, database = (codes[name] for name in CODES)
    if query.bits != database.bits:
        raise UsageError(f"query_codes have {query.bits} bits and database_codes {database.bits}, wanted the same")
    given = _given(arrays, {"query": len(query), "database": len(database)})
    features = resolve_features(request, settings)
    if request.protocol is None:
        truth = ground_truth_from_labels(given, request.table or OWN_TABLE, request.cutoff, request.leave_one_out)
        truth = with_own_rows_by_content(truth, (query, database))
    else:
        truth = ground_truth_from_protocol(request.protocol, given, settings)
    placed = query[truth.rows[0]], database[truth.rows[1]]
    planned = _scored_trial(request, truth, features, placed)
    file = Store(settings.results).record_path(planned)
    check_replaceable(file)
    how = {"encoding": request.encoding or "bool", **({"bit_order": request.bit_order} if request.bit_order else {})}
    extra = {"scored": {**how, "files": dict(arrays.sums)}}
    stored = results(settings.results)
    notes = [*truth.notes, *_unread(arrays), *stored.faults, *_replaced(planned, stored.records)]
    record = _store(planned, placed, truth, settings, extra)
    _store_floor(request, truth, features, query.bits, settings)
    return Scored(record, file, notes)


def _given(arrays: Arrays, sizes: Mapping[str, int]) -> ProvidedLabels:
    values = arrays.values
    labelled, numbered = ([part for part in PARTS if f"{part}_{kind}" in values] for kind in ("labels", "items"))
    labels = {part: check_labels(name := f"{part}_labels", values[name], sizes[part]) for part in labelled}
    items = {part: check_items(name := f"{part}_items", values[name], sizes[part]) for part in numbered}
    return ProvidedLabels(sizes, labels, items)


def _unread(arrays: Arrays) -> list[str]:
    return [f"not read: {', '.join(arrays.unread)}"] if arrays.unread else []


def _replaced(planned: PlannedTrial, records: Iterable[Record]) -> list[str]:
    """Earlier codes under the same name, bits and repetition, which the table no longer shows."""
    same = trial_id(planned.trial.identity())
    earlier = [
        record["key"] for record in records if trial_id(record["trial"]) == same and record["key"] != planned.key
    ]
    if not earlier:
        return []
    return [
        f"tables show these codes instead of earlier ones called {planned.trial.method} (record {', '.join(earlier)}); "
        f"for another seed of the method say --repetition {planned.trial.repetition + 1}"
    ]


def _scored_trial(request: ScoreRequest, truth: GroundTruth, features: Features, codes: CodesPair) -> PlannedTrial:
    trial = _trial(request.name, EXTERNAL_PARAMETERS, codes[0].bits, request.repetition, truth, features)
    sums = {name: _code_sum(each) for name, each in zip(CODES, codes, strict=True)}
    scored = {**bare_fingerprint(truth.card["id"], "elsewhere"), "scored": sums}
    return PlannedTrial(trial, scored, truth.card, truth.protocol, EXTERNAL_PARAMETERS, request.supervised)


def _trial(
    method: str, parameters: Mapping[str, Any], bits: int, repetition: int, truth: GroundTruth, features: Features
) -> TrialSpec:
    return TrialSpec(
        method=method,
        parameters=parameters,
        bits=bits,
        dataset=truth.dataset,
        protocol=truth.protocol,
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


def _store_floor(request: ScoreRequest, truth: GroundTruth, features: Features, bits: int, settings: Settings) -> None:
    """Score random codes if the table has none yet; on features of hashbench's this is the trial of a grid.

    A query that is known to be an item of the database has that item's code, as it has with a method. Random codes
    from before this was known are scored anew. Records that must not be replaced stay, also where they cannot be read.
    """
    trial = _trial(RANDOM_CODES, {}, bits, request.repetition, truth, features)
    card, device = truth.card["id"], pick_device(settings.device)
    made_by = bare_fingerprint(card, device.type) if trial.elsewhere else fingerprint(trial, card, device)
    planned = PlannedTrial(trial, made_by, truth.card, truth.protocol)
    store = Store(settings.results)
    there = store.read(planned)
    twice = truth.own is not None and bool((truth.own != NONE).any())
    if there is None or there["status"] != "ok" or (twice and not there["protocol_card"]["leaks"]):
        try:
            check_replaceable(store.record_path(planned))
        except IrreplaceableError:
            return
        queries, items = (len(each) for each in truth.items)
        drawn = references.random_codes(queries + items, bits, trial.own_seed)
        rows = np.arange(queries)
        if truth.own is not None:
            rows = np.where(truth.own == NONE, rows, queries + truth.own)
        _store(planned, (drawn[rows], drawn[queries:]), truth, settings, {})


def _store(
    planned: PlannedTrial, codes: CodesPair, truth: GroundTruth, settings: Settings, provenance: Mapping[str, Any]
) -> Record:
    """Evaluate, then write the arrays and the record."""
    device = pick_device(settings.device)
    warm_up(device)
    start_peak_memory(device)
    start = time.perf_counter()
    try:
        own_rows = truth.own if truth.leave_one_out else None
        scores = evaluate(*codes, *truth.labels, truth.card["cutoff"], device, own_rows=own_rows)
    except ValueError as error:
        raise UsageError(str(error)) from None
    record = new_record(planned, settings.device, settings.provenance)
    record |= {
        "status": "ok",
        **score_fields(scores),
        "protocol_card": dict(truth.card),
        "seconds": {"evaluate": time.perf_counter() - start},
        "memory": peak_memory(device),
    }
    record["provenance"] |= provenance
    store = Store(settings.results)
    store.prepare()
    store.write_codes(planned, saved_arrays(scores, truth.labels, truth.items, codes))
    store.write_record(planned, record)
    return record
