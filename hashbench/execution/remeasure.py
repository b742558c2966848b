"""Measures the throughput of stored trials again, on this machine."""

from pathlib import Path

from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.execution.measure import Rescoring, measure
from hashbench.execution.replay_context import ReplayContext
from hashbench.execution.stored_dataset import check_items, open_recorded_dataset
from hashbench.execution.stored_features import recorded_features
from hashbench.execution.stored_trial import (
    StoredCodes,
    StoredTrial,
    check_weights,
    load_method,
    load_method_codes,
    readable_trials,
)
from hashbench.features.spec import extractor
from hashbench.records.schema import FORMAT
from hashbench.records.store import Record, Store
from hashbench.util.progress import Log, no_log


def stored_trials(results: Path, log: Log = no_log) -> list[StoredTrial]:
    """The records of a result folder that have codes of a method and its state.

    Args:
        results: the result folder.
        log: gets a line for each file that cannot be read.

    Raises:
        UsageError: there is none.
    """
    trials = [stored for stored in readable_trials(results, log) if stored.has_codes and stored.state_file.is_file()]
    if not trials:
        raise UsageError(f"no record in {results / 'records'} has codes and a state; make some with hashbench run")
    return trials


def measure_again(stored: StoredTrial, context: ReplayContext) -> Record:
    """Measure a stored method as its trial did, and write ``throughput/<key>-<hardware>.json``.

    Rates of other machines stay; an earlier measurement on this machine is replaced.

    Raises:
        UsageError: codes, state, data set or weights are not here, or not those of the record; nothing is written.
    """
    trial = stored.trial
    codes = load_method_codes(stored)
    method, run = load_method(stored, context.device)
    dataset = open_recorded_dataset(stored, context.data, context.dataset)
    check_items(stored, codes, dataset)
    features = extractor(trial.features, context.weights, trial.features_dtype)
    if method.traits.input == "features":
        check_weights(stored, features)
    pair = codes.query, codes.database
    rescoring, scored = _rescoring(stored, codes, dataset, context), codes.encoded().scored(method, context.device)
    measured = measure(method, run, dataset, codes.query_items, pair, features, rescoring, scored)
    throughput = {"format": FORMAT, "key": stored.record["key"], **measured}
    store = Store(context.results)
    store.prepare()
    store.write_throughput(throughput)
    return throughput


def _rescoring(stored: StoredTrial, codes: StoredCodes, dataset: Dataset, context: ReplayContext) -> Rescoring | None:
    """By the record's features, where neighbours by these are relevant."""
    if codes.neighbours is None:
        return None
    inputs, _ = recorded_features(stored, dataset, context)
    return Rescoring(inputs, codes.database_items, codes.neighbours.distance, stored.record["curves"]["neighbours"])
