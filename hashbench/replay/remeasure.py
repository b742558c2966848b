"""Throughput of what earlier trials left behind, measured again on this machine."""

from dataclasses import dataclass
from pathlib import Path

import torch

from hashbench.errors import UsageError
from hashbench.execution.measure import measure
from hashbench.features.spec import extractor
from hashbench.features.weights import Weights
from hashbench.records.schema import FORMAT
from hashbench.records.store import Record, Store
from hashbench.replay.stored_dataset import open_recorded_dataset
from hashbench.replay.stored_trial import StoredTrial, check_weights, load_codes, load_method


@dataclass(frozen=True)
class MeasureContext:
    """Where things are and are measured.

    Attributes:
        results: the result folder that gets the throughput.
        data: the folder of all data sets.
        device: where is measured.
        weights: of the features' networks, for the rate from images of a method on features.
        dataset: "NAME:FILE" for records whose data set a file describes.
    """

    results: Path
    data: Path
    device: torch.device
    weights: Weights
    dataset: str | None = None


def stored_trials(results: Path) -> list[StoredTrial]:
    """The records of a result folder that have codes of a method and its state.

    Raises:
        UsageError: there is none, or a record cannot be read.
    """
    found = [StoredTrial.read(file) for file in sorted((results / "records").glob("*.json"))]
    found = [stored for stored in found if stored.has_codes and stored.state_file.is_file()]
    if not found:
        raise UsageError(f"no record in {results / 'records'} has codes and a state; make some with hashbench run")
    return found


def measure_again(stored: StoredTrial, context: MeasureContext) -> Record:
    """Measure a kept method as its trial did, and write ``throughput/<key>-<hardware>.json``.

    What another machine measured stays; an earlier figure of this one is replaced.

    Raises:
        UsageError: codes, state, data set or weights are not here, or not those of the record; nothing is written.
    """
    trial = stored.trial
    codes = load_codes(stored)
    method, run = load_method(stored, context.device)
    dataset = open_recorded_dataset(stored, context.data, context.dataset)
    features = extractor(trial.features, context.weights, trial.features_dtype)
    if method.traits.input == "features":
        check_weights(stored, features)
    measured = measure(method, run, dataset, codes.query_items, (codes.query, codes.database), features)
    throughput = {"format": FORMAT, "key": stored.record["key"], **measured}
    store = Store(context.results)
    store.prepare()
    store.write_throughput(throughput)
    return throughput
