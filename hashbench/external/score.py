"""Scores codes that were made elsewhere into a record like that of a trial."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hashbench.errors import UsageError
from hashbench.evaluation.headline import HEADLINE_K
from hashbench.execution.settings import Settings
from hashbench.external.arrays import CODES, OUTPUTS, Arrays
from hashbench.external.encodings import decode
from hashbench.external.ground_truth import (
    PARTS,
    GroundTruth,
    ProvidedLabels,
    ground_truth_from_labels,
    with_own_rows_by_content,
)
from hashbench.external.labels import check_items, check_labels
from hashbench.external.other_rules import Rule, chosen_rules
from hashbench.external.protocol import ground_truth_from_protocol
from hashbench.external.query_outputs import Outputs, check_outputs
from hashbench.external.rule_scores import RuleScore, rule_scores
from hashbench.external.score_request import Features, ScoreRequest, resolve_features
from hashbench.external.stored_scores import CodesPair, code_sum, scored_trial, store_floor, store_scores
from hashbench.planning.fingerprint import bare_fingerprint
from hashbench.records.newest import trial_id
from hashbench.records.results import results_so_far
from hashbench.records.store import Record, Store, check_replaceable
from hashbench.records.trial_spec import EXTERNAL, PlannedTrial

OWN_TABLE = "labels"
EXTERNAL_PARAMETERS = {"codes": EXTERNAL}  # in the row's label, and in its identity: no trained trial is called that


@dataclass(frozen=True)
class Scored:
    """The result of scoring codes from elsewhere.

    Attributes:
        record: as it was written; its fingerprint has the sums of the codes under "scored".
        file: where it lies.
        notes: lines on what was taken for granted, or not replaced.
        by_rules: by other people's rules, as far as they were asked for.
    """

    record: Record
    file: Path
    notes: list[str]
    by_rules: list[RuleScore]


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
    rules = chosen_rules(request.rules, OUTPUTS in arrays.values)
    if any(rule.needs_outputs for rule in rules):
        check_outputs(arrays.values[OUTPUTS], query)
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
    stored = results_so_far(settings.results)
    notes = [*truth.notes, *_unread(arrays, rules), *stored.faults, *_replaced(planned, stored.records)]
    record = store_scores(planned, placed, truth, settings, extra)
    store_floor(truth, features, query.bits, request.repetition, settings)
    return Scored(record, file, notes, _by_rules(rules, (query, database), truth, arrays.values.get(OUTPUTS)))


def _by_rules(rules: list[Rule], codes: CodesPair, truth: GroundTruth, outputs: Outputs | None) -> list[RuleScore]:
    """At the headline's k, the table's own and all ranks, in the order of the given rows, as a script has them."""
    if not rules:
        return []
    ranks = [HEADLINE_K, *({truth.card["cutoff"]} - {None, HEADLINE_K}), None]
    own = truth.own if truth.leave_one_out else None
    return rule_scores(rules, codes, truth.labels_as_given, ranks, own_rows=own, query_outputs=outputs)


def _given(arrays: Arrays, sizes: Mapping[str, int]) -> ProvidedLabels:
    values = arrays.values
    labelled, numbered = ([part for part in PARTS if f"{part}_{kind}" in values] for kind in ("labels", "items"))
    labels = {part: check_labels(name := f"{part}_labels", values[name], sizes[part]) for part in labelled}
    items = {part: check_items(name := f"{part}_items", values[name], sizes[part]) for part in numbered}
    return ProvidedLabels(sizes, labels, items)


def _unread(arrays: Arrays, rules: list[Rule]) -> list[str]:
    unread = list(arrays.unread)
    if OUTPUTS in arrays.values and not any(rule.needs_outputs for rule in rules):
        unread.append(f"{OUTPUTS}, which are for --as crovca")
    return [f"not read: {', '.join(unread)}"] if unread else []


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
    trial = scored_trial(request.name, EXTERNAL_PARAMETERS, codes[0].bits, request.repetition, truth, features)
    sums = {name: code_sum(each) for name, each in zip(CODES, codes, strict=True)}
    scored = {**bare_fingerprint(truth.card["id"], "elsewhere"), "scored": sums}
    sees = "labels" if request.supervised else request.information
    of_method: dict[str, Any] = {"supervised": request.supervised, "information": sees}
    return PlannedTrial(trial, scored, truth.card, truth.protocol, EXTERNAL_PARAMETERS, **of_method)
