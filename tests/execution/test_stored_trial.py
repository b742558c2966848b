"""What a trial left behind is read back as it was, without the weights it began with."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from hashbench.data.spec import open_dataset
from hashbench.errors import UsageError
from hashbench.execution.stored_dataset import open_recorded_dataset
from hashbench.execution.stored_trial import StoredTrial, changes_since, load_method, load_method_codes
from hashbench.execution.training_data import TrainingData, encode
from hashbench.plugins.registry import METHODS
from tests.stored_trials import copied, stored

CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("stored_plugins")


@pytest.fixture(scope="module")
def results(stored_results: Path) -> Path:
    """A result folder, not to be written to."""
    return stored_results


@pytest.mark.parametrize("method", ["paints", "borrows"])
def test_a_stored_method_gives_its_codes_again(results: Path, method: str) -> None:
    """``borrows`` keeps a whole mobilenet, batch norms and counters too, and its weights are nowhere."""
    record = stored(results, method)
    again, run = load_method(record, CPU)
    codes, digits = load_method_codes(record), open_dataset("digits", Path())
    inputs = TrainingData(digits, np.empty((0, 0)), digits.labels())
    assert np.array_equal(
        encode(again, inputs.batches(again, codes.query_items, run)).packed, codes.query.packed
    )  # fmt: skip
    assert 0 < codes.query.unpack().mean() < 1


def test_stored_codes_and_labels_have_the_records_precision(results: Path) -> None:
    """precision@1, its ties by expectation, reckoned plainly from what was read."""
    record = stored(results, "itq")
    codes = load_method_codes(record)
    distances = (codes.query.unpack()[:, None] != codes.database.unpack()[None]).sum(2)
    shares = [
        (codes.query_labels[query] & codes.database_labels[row == row.min()]).any(1).mean()
        for query, row in enumerate(distances)
    ]
    assert np.mean(shares) == pytest.approx(record.record["metrics"]["precision@1"], abs=1e-6)
    digits = open_dataset("digits", Path())
    assert np.array_equal(codes.query_labels, digits.labels()[codes.query_items])
    assert np.array_equal(codes.database_items, digits.split().database)


def test_records_without_codes_of_a_method_say_why(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no codes of a method: it is a reference; name another"):
        load_method_codes(stored(results, "reference_random"))
    record = copied(results, "itq", tmp_path)
    failed = StoredTrial(record.file, {**record.record, "status": "failed"})
    with pytest.raises(UsageError, match="it is failed"):
        load_method_codes(failed)
    np.savez(record.codes_file, average_precision=np.zeros(3))
    with pytest.raises(UsageError, match=r"was published without its codes; run itq .* again to have them"):
        load_method_codes(record)
    record.codes_file.write_bytes(b"PK damaged")
    with pytest.raises(UsageError, match=r"codes .*\.npz cannot be read .*; restore the file or run the trial again"):
        load_method_codes(record)
    record.codes_file.unlink()
    with pytest.raises(UsageError, match=r"there is no digits-.*\.npz"):
        load_method_codes(record)


def test_throughput_is_no_record_of_a_trial(results: Path) -> None:
    with pytest.raises(UsageError, match=r"is throughput, not the record of a trial; name one in the folder records"):
        StoredTrial.read(next((results / "throughput").glob("*.json")))


def test_parameters_that_a_method_no_longer_takes_are_one_line(results: Path, tmp_path: Path) -> None:
    record = copied(results, "borrows", tmp_path)
    record.record["trial"]["parameters"]["gone"] = 1
    with pytest.raises(UsageError, match=r"does not load into borrows \(UsageError: no parameter of borrows named"):
        load_method(record, CPU)


def test_parameters_with_former_names_are_taken_by_the_new_ones(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = copied(results, "itq", tmp_path)
    parameters = record.record["trial"]["parameters"]
    parameters["rounds"] = parameters.pop("iterations")
    monkeypatch.setattr(METHODS.get("itq"), "renamed", {"rounds": "iterations"})
    method, _ = load_method(record, CPU)
    assert vars(method)["iterations"] == parameters["rounds"]


def test_a_state_that_does_not_load_is_one_line(results: Path, tmp_path: Path) -> None:
    record = copied(results, "borrows", tmp_path)
    state = safetensors.torch.load_file(record.state_file)
    del state["net.features.0.1.running_var"]
    safetensors.torch.save_file(state, record.state_file)
    with pytest.raises(
        UsageError, match=r"state .* does not load into borrows \(RuntimeError: .*\); restore it"
    ) as got:
        load_method(record, CPU)
    assert "\n" not in str(got.value)
    record.record["fingerprint"]["sources"]["methods/borrows.py"] = "0" * 16
    with pytest.raises(UsageError, match=r"; methods/borrows\.py changed since: run the trial again"):
        load_method(record, CPU)
    record.state_file.write_bytes(b"cut")
    with pytest.raises(UsageError, match="does not load into borrows"):
        load_method(record, CPU)
    record.state_file.unlink()
    with pytest.raises(UsageError, match="was not kept: there is no digits-"):
        load_method(record, CPU)
    record.record.update(status="skipped", error={"message": "16 bits are too many\nand more"})
    with pytest.raises(UsageError, match=r"has no method: it is skipped \(16 bits are too many\); name another"):
        load_method(record, CPU)


def test_a_trial_that_failed_this_time_has_no_method_though_an_earlier_ones_state_lies_beside(
    results: Path, tmp_path: Path
) -> None:
    record = copied(results, "itq", tmp_path)
    assert record.state_file.is_file()
    record.record.update(status="failed", error={"message": "no luck"})
    with pytest.raises(UsageError, match=r"has no method: it is failed \(no luck\); name another"):
        load_method(record, CPU)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError()],
    ids=["gpu", "host"],
)
def test_memory_that_ran_out_is_not_a_damaged_state(
    results: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def load_file(*_: object, **__: object) -> None:
        raise error

    record = stored(results, "itq")
    monkeypatch.setattr(safetensors.torch, "load_file", load_file)
    with pytest.raises(UsageError, match=r"^no memory left on device cpu to load itq from .*; free some, or use ano"):
        load_method(record, CPU)


def test_a_method_that_is_not_here_is_named(results: Path) -> None:
    record = stored(results, "itq")
    other = StoredTrial(record.file, {**record.record, "trial": {**record.record["trial"], "method": "itqq"}})
    with pytest.raises(UsageError, match="no method named 'itqq'; did you mean 'itq'"):
        load_method(other, CPU)


def test_sources_that_changed_are_named(results: Path) -> None:
    record = stored(results, "paints")
    assert changes_since(record) == []
    record.record["fingerprint"]["sources"]["methods/paints.py"] = "0" * 16
    assert changes_since(record) == ["methods/paints.py changed"]


def test_another_data_set_than_the_records_is_refused(results: Path, tmp_path: Path) -> None:
    record = stored(results, "itq")
    assert len(open_recorded_dataset(record, tmp_path)) == 1797
    record.record["protocol_card"]["id"] = "f" * 16
    with pytest.raises(
        UsageError, match=r"with the protocol card f{16}, here is digits/holdout-200 with \w{16}: other"
    ):
        open_recorded_dataset(record, tmp_path)


def test_a_data_set_that_a_file_describes_has_to_be_named(results: Path, tmp_path: Path) -> None:
    record = stored(results, "itq")
    record.record["trial"] |= {"dataset": "folder", "protocol": "folder/birds-1a2b3c4d"}
    with pytest.raises(UsageError, match=r"which a file of yours describes; name it with --dataset folder:FILE"):
        open_recorded_dataset(record, tmp_path)


def test_records_are_read_by_their_own_format(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps({"format": 1, "key": "a"}))
    with pytest.raises(UsageError, match="is of format 1, wanted 4; run its trial again"):
        StoredTrial.read(file)
