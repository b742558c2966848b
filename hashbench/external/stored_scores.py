"""Writes the records of scored codes, and of the random codes that are the floor of their table."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.evaluation.evaluate import evaluate, warm_up
from hashbench.execution import references
from hashbench.execution.settings import Settings
from hashbench.external.ground_truth import GroundTruth
from hashbench.external.own_items import NONE
from hashbench.external.score_request import Features
from hashbench.planning.fingerprint import bare_fingerprint, fingerprint
from hashbench.records.environment import peak_memory, start_peak_memory
from hashbench.records.new_record import new_record
from hashbench.records.scores import saved_arrays, score_fields
from hashbench.records.store import IrreplaceableError, Record, Store, check_replaceable
from hashbench.records.trial_spec import RANDOM_CODES, PlannedTrial, TrialSpec
from hashbench.util.device import pick_device

CodesPair = tuple[Codes, Codes]


def code_sum(codes: Codes) -> str:
    """What tells codes from others in the key of their record: 16 hexadecimal digits."""
    return hashlib.sha256(f"{codes.bits} {codes.packed.shape}".encode() + codes.packed.tobytes()).hexdigest()[:16]


def scored_trial(
    method: str, parameters: Mapping[str, Any], bits: int, repetition: int, truth: GroundTruth, features: Features
) -> TrialSpec:
    """The identity of scored codes; nothing about their training is known."""
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


def store_scores(
    planned: PlannedTrial, codes: CodesPair, truth: GroundTruth, settings: Settings, provenance: Mapping[str, Any]
) -> Record:
    """Evaluate, then write the arrays and the record.

    Raises:
        UsageError: codes and labels do not fit each other; nothing is written.
    """
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
        "bytes_per_item": codes[1].packed.shape[1],
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


def store_floor(
    truth: GroundTruth, features: Features, bits: int, repetition: int, settings: Settings, own: bool = True
) -> None:
    """Score random codes if the table has none yet; on features of hashbench's this is the trial of a grid.

    Features that are not ``own`` are only what others say: they need not be known here.

    A query that is known to be an item of the database has that item's code, as it has with a method. Random codes
    from before this was known are scored anew. Records that must not be replaced stay, also where they cannot be read.
    """
    trial = scored_trial(RANDOM_CODES, {}, bits, repetition, truth, features)
    card, device = truth.card["id"], pick_device(settings.device)
    made_by = bare_fingerprint(card, device.type) if trial.elsewhere or not own else fingerprint(trial, card, device)
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
        store_scores(planned, (drawn[rows], drawn[queries:]), truth, settings, {})
