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
from hashbench.replay.stored_dataset import open_source
from hashbench.replay.stored_trial import Kept, check_weights, load_method, read_codes


@dataclass(frozen=True)
class Place:
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


def kept_trials(results: Path) -> list[Kept]:
    """The records of a result folder that have codes of a method and its state.

    Raises:
        UsageError: there is none, or a record cannot be read.
    """
    found = [Kept.read(file) for file in sorted((results / "records").glob("*.json"))]
    found = [kept for kept in found if kept.has_codes and kept.state_file.is_file()]
    if not found:
        raise UsageError(f"no record in {results / 'records'} has codes and a state; make some with hashbench run")
    return found


def measure_again(kept: Kept, place: Place) -> Record:
    """Measure a kept method as its trial did, and write ``throughput/<key>-<hardware>.json``.

    What another machine measured stays; an earlier figure of this one is replaced.

    Raises:
        UsageError: codes, state, data set or weights are not here, or not those of the record; nothing is written.
    """
    trial = kept.trial
    codes = read_codes(kept)
    method, run = load_method(kept, place.device)
    dataset = open_source(kept, place.data, place.dataset)
    features = extractor(trial.features, place.weights, trial.features_dtype)
    if method.traits.input == "features":
        check_weights(kept, features)
    measured = measure(method, run, dataset, codes.query_items, (codes.query, codes.database), features)
    throughput = {"format": FORMAT, "key": kept.record["key"], **measured}
    store = Store(place.results)
    store.prepare()
    store.write_throughput(throughput)
    return throughput
