"""Throughput of stored methods is measured again, and nothing else about them changes."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch

from hashbench.errors import UsageError
from hashbench.execution import measure
from hashbench.execution.remeasure import measure_again, stored_trials
from hashbench.execution.replay_context import ReplayContext
from hashbench.features.weights import Weights
from hashbench.records.schema import schema
from tests.stored_trials import stored

pytestmark = pytest.mark.usefixtures("stored_plugins")


@pytest.fixture(scope="module")
def results(stored_results: Path) -> Path:
    """A result folder, not to be written to."""
    return stored_results


@pytest.fixture
def context(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReplayContext:
    """A copy of the results, without throughput."""
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    shutil.copytree(results / "records", tmp_path / "results/records")
    return ReplayContext(tmp_path / "results", tmp_path, torch.device("cpu"), Weights(offline=True))


@pytest.mark.parametrize("method", ["itq", "borrows"])
def test_it_is_a_throughput_file_as_a_trial_writes_it(context: ReplayContext, method: str) -> None:
    """Also of a method whose network's weights are nowhere but in its state."""
    record = stored(context.results, method)
    before = record.file.read_bytes()
    throughput = measure_again(record, context)
    (file,) = (context.results / "throughput").glob("*.json")
    assert json.loads(file.read_text()) == throughput
    jsonschema.validate(throughput, schema("throughput"))
    assert file.stem == f"{record.record['key']}-{throughput['hardware']['id']}"
    assert throughput["encode"]["images_per_s"]["median"] > 0
    assert (throughput["encode"]["features_per_s"] is None) == (method == "borrows")
    assert record.file.read_bytes() == before


def test_a_figure_of_this_machine_is_replaced_and_others_stay(context: ReplayContext) -> None:
    record = stored(context.results, "itq")
    throughput = measure_again(record, context)
    other = context.results / "throughput" / f"{record.record['key']}-{'0' * 12}.json"
    other.write_text("{}")
    measure_again(record, context)
    names = {file.name for file in (context.results / "throughput").iterdir()}
    assert names == {other.name, f"{record.record['key']}-{throughput['hardware']['id']}.json"}
    assert other.read_text() == "{}"


def test_what_is_measured_has_codes_and_a_state(context: ReplayContext) -> None:
    assert [record.trial.method for record in stored_trials(context.results)] == ["borrows", "itq", "paints"]
    stored(context.results, "itq").state_file.unlink()
    assert [record.trial.method for record in stored_trials(context.results)] == ["borrows", "paints"]
    with pytest.raises(UsageError, match="has codes and a state; make some with hashbench run"):
        stored_trials(context.data / "nowhere")


def test_features_of_other_weights_are_not_measured(context: ReplayContext) -> None:
    record = stored(context.results, "itq")
    record.record["trial"]["features_weights"] = "ab" * 32
    with pytest.raises(UsageError, match=r"has features of other weights \(abababababababab\) than those here"):
        measure_again(record, context)
    assert not (context.results / "throughput").exists()


def test_items_that_the_data_set_does_not_have_are_damage(context: ReplayContext) -> None:
    record = stored(context.results, "itq")
    with np.load(record.codes_file) as arrays:
        content = dict(arrays)
    content["query_items"] = content["query_items"] + 10**12
    np.savez(record.codes_file, allow_pickle=False, **content)
    with pytest.raises(UsageError, match=r"itq.*npz have the query item 10000\d+, digits"):
        measure_again(record, context)
    assert not (context.results / "throughput").exists()
