"""Computes the metrics of stored trials again from their codes; nothing is trained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.dataset import Split
from hashbench.errors import Incompatible, StorageError, UsageError
from hashbench.evaluation.evaluate import Scores, evaluate, evaluate_similarities
from hashbench.evaluation.headline import METRIC_VERSION
from hashbench.execution.ground_truth import ground_truth
from hashbench.execution.quantised_references import quantised_scores
from hashbench.execution.references import float_scores
from hashbench.execution.replay_context import ReplayContext
from hashbench.execution.stored_dataset import open_recorded_dataset
from hashbench.execution.stored_features import recorded_features
from hashbench.execution.stored_trial import StoredCodes, StoredTrial, load_codes, load_method
from hashbench.external.ground_truth import LEFT_OUT
from hashbench.external.own_items import rows_by_number
from hashbench.features.weights import Weights, checked_weights
from hashbench.records.lookup import find_records
from hashbench.records.results import Results, results_so_far
from hashbench.records.scores import score_arrays, score_fields
from hashbench.records.store import Record, to_json
from hashbench.records.trial_spec import FLOAT_FEATURES, QUANTISED
from hashbench.reporting.write import write_reports
from hashbench.util.device import pick_device
from hashbench.util.files import replacing
from hashbench.util.npz import read_npz, write_npz
from hashbench.util.paths import cache_folder, data_folder
from hashbench.util.progress import log_to_stderr

Done = Callable[[StoredTrial, Record], None]


@dataclass(frozen=True)
class Selection:
    """Which records of a folder are to be rescored.

    Attributes:
        records: those whose metrics are of an older version than the current one, or all.
        current: how many others there are, of the current version.
        faults: a line for each file that could not be read.
    """

    records: list[StoredTrial]
    current: int
    faults: tuple[str, ...]


def choose(folder: Path, everything: bool, names: Sequence[str] = ()) -> Selection:
    """The records of a result folder with older metrics; all with ``everything``; those of ``names`` if there are any.

    Raises:
        UsageError: the folder has no record, or none or several of a name.
    """
    if names:
        return Selection([StoredTrial.read(file) for file in find_records(names, folder)], 0, ())
    stored_results = results_so_far(folder)
    if not stored_results.records and not stored_results.faults:
        raise UsageError(f"no record in {folder / 'records'}; name a result folder with --results")
    stored = [StoredTrial(stored_results.files[record["key"]], record) for record in stored_results.records]
    chosen = [each for each in stored if everything or each.record["metric_version"] != METRIC_VERSION]
    return Selection(chosen, len(stored) - len(chosen), stored_results.faults)


def rescore(
    folder: str | Path = "results",
    everything: bool = False,
    data: str | Path | None = None,
    device: str = "auto",
    *,
    records: Sequence[str] = (),
    dataset: str | None = None,
    weights: Mapping[str, str | Path] | None = None,
    offline: bool = False,
) -> Results:
    """Compute the metrics of a result folder's records again, and write its reports: ``hb.rescore("results")``.

    Data sets and weights are needed only for references to float vectors, which have no codes.

    Args:
        folder: the result folder.
        everything: also those whose metrics are of the current version.
        data: the folder of the data sets.
        device: where scores are computed.
        records: these alone, each a file or the beginning of a key.
        dataset: "NAME:FILE" for records whose data set a file describes.
        weights: {name of a network: file of its state dict}; the published ones where none is given.
        offline: download nothing.

    Returns:
        The records that were rescored, and in ``faults`` a line for each that could not be.

    Raises:
        UsageError: the folder has no record, or none of a name, or data, weights or device are not here.
    """
    files = Weights(checked_weights(weights or {}), offline, log_to_stderr)
    context = ReplayContext(Path(folder), data_folder(data), pick_device(device), files, dataset)
    selection = choose(Path(folder), everything, records)
    rescored = rescore_records(selection.records, context)
    return replace(rescored, faults=(*selection.faults, *rescored.faults))


def rescore_records(
    chosen: Sequence[StoredTrial], context: ReplayContext, done: Done = lambda _stored, _record: None
) -> Results:
    """Rescore one after the other, then write the reports of their folders again.

    Args:
        chosen: the records.
        context: see :func:`rescore_record`.
        done: is called with the stored record and the rescored one.

    Returns:
        What was rescored, and a line for each that could not be.
    """
    made, files, faults = [], {}, []
    for stored in chosen:
        try:
            made.append(rescore_record(stored, context))
        except StorageError as error:  # so could no other be written
            faults.append(str(error))
            break
        except UsageError as error:
            faults.append(str(error))
            continue
        except ValueError as error:  # codes and labels that do not fit each other
            faults.append(f"record {stored.record['key']} cannot be scored: {error}")
            continue
        files[stored.record["key"]] = stored.file
        done(stored, made[-1])
    for folder in dict.fromkeys(file.parent.parent for file in files.values()):
        write_reports(folder)
    return Results(tuple(made), files=files, faults=tuple(faults))


def rescore_record(stored: StoredTrial, context: ReplayContext) -> Record:
    """Compute metrics, curves, diagnostics and per-query AP of a record again and write them into it.

    Everything else of the record stays, but for the checksum of the features where they are what is scored. A record
    without scores (of a trial that failed) only gets the current version.

    Args:
        stored: the record; random codes are stored like those of a method, the ranking of float features is computed
            again from the data set's features.
        context: where scores are computed; data set and weights are needed for float features only.

    Returns:
        The record as it was written, last and whole.

    Raises:
        UsageError: codes or data set are not here, or it was made by a newer hashbench; nothing is written.
    """
    record = stored.record
    if record["metric_version"] > METRIC_VERSION:
        raise UsageError(
            f"record {record['key']} has metrics of version {record['metric_version']}, this hashbench "
            f"computes version {METRIC_VERSION}; use a newer one"
        )
    changed: Record = {"metric_version": METRIC_VERSION}
    if record["status"] == "ok":
        scores, facts = _scores(stored, context)
        changed |= {**score_fields(scores), **facts}
        _replace_score_arrays(stored.codes_file, score_arrays(scores))
    record = {**record, **changed}
    with replacing(stored.file) as work:
        work.write_bytes(to_json(record))
    return record


def _scores(stored: StoredTrial, context: ReplayContext) -> tuple[Scores, Record]:
    """Scores, and what else of the record they change."""
    trial = stored.trial
    if trial.method in (FLOAT_FEATURES, *QUANTISED):
        return _of_features(stored, context)
    codes = load_codes(stored)
    pairs: tuple[Codes, Codes] = (codes.query, codes.database)
    card = stored.record["protocol_card"]
    scored = *codes.scored_labels(), card["cutoff"], context.device
    if trial.ranking is not None:
        return _by_scores(stored, codes, context), {}
    own_rows = rows_by_number(codes.query_items, codes.database_items) if LEFT_OUT in card else None
    return evaluate(*pairs, *scored, own_rows=own_rows, neighbours=codes.neighbours), {}


def _by_scores(stored: StoredTrial, codes: StoredCodes, context: ReplayContext) -> Scores:
    """Scores of codes that are ranked by scores; those of an estimator are computed by the fitted method."""
    method = load_method(stored, context.device)[0] if stored.trial.ranking == "estimator" else None
    ranked = codes.encoded().scored(method, context.device)
    if ranked is None:
        raise UsageError(
            f"{stored.codes_file} has no query_vectors, by which its codes are ranked; run the trial again"
        )
    given = ranked.similarities(), *codes.scored_labels(), stored.record["protocol_card"]["cutoff"]
    return evaluate_similarities(*given, neighbours=codes.neighbours, codes=codes.database)


def _of_features(stored: StoredTrial, context: ReplayContext) -> tuple[Scores, Record]:
    """Scores of the float features, which are extracted where the cache does not have them."""
    trial, dataset = stored.trial, open_recorded_dataset(stored, context.data, context.dataset)
    dataset.log = log_to_stderr
    inputs, checksum = recorded_features(stored, dataset, context)
    labels, split = inputs.labels, dataset.split().among(dataset.present())
    used = Split(split.train[: trial.limit], split.query, split.database)
    pair = (labels[split.query], labels[split.database]) if labels.shape[1] else (None, None)
    neighbours = None
    if dataset.distance is not None:
        found = checksum, used, dataset.distance, cache_folder()
        neighbours = ground_truth(inputs, *found, context.device, log_to_stderr)
    scored = inputs, used, pair, stored.record["protocol_card"]["cutoff"]
    if trial.method == FLOAT_FEATURES:
        scores = float_scores(*scored, neighbours, context.device)
    else:
        assert neighbours is not None
        scores = _quantised(trial.method, *scored, neighbours, context.device)
    return scores, {"features_sha256": checksum}


def _quantised(reference: str, *scored: Any) -> Scores:
    try:
        return quantised_scores(reference, *scored)[0]
    except Incompatible as reason:
        raise UsageError(f"{reference} cannot be scored here: {reason}") from None


def _replace_score_arrays(file: Path, values: Mapping[str, npt.NDArray[np.float64]]) -> None:
    try:
        content = read_npz(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read ({error}); restore it or run the trial again") from error
    with replacing(file) as work, work.open("wb") as stream:
        write_npz(stream, {**content, **values})
