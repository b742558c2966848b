"""A method that trains a pre-trained network on: from ``--weights`` to the record and back from its state."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import hashbench as hb
from hashbench.data.spec import open_dataset
from hashbench.errors import UsageError
from hashbench.execution.run import plan_grids
from hashbench.execution.settings import Settings
from hashbench.execution.training_data import TrainingData, encode
from hashbench.execution.trial import TrialRunner
from hashbench.features.backbones import load_backbone
from hashbench.features.weights import Weights
from hashbench.method import RunContext
from hashbench.planning.grid import Grid
from hashbench.plugins.registry import METHODS
from tests.features.networks import random_net

NET = "squeezenet1_1"
SPEC = f"{NET}@32"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict with random numbers."""
    file = tmp_path_factory.mktemp("weights") / "squeezenet.safetensors"
    safetensors.torch.save_file(random_net(NET).state_dict(), file)
    return file


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result folder."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def records(results: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Of bgan and itq on digits, features and encoder of the same network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HASHBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        grid = hb.run(
            methods=["bgan", "itq"],
            bits=[8],
            features=SPEC,
            weights={NET: weights},
            limit=60,
            parameters={"bgan": {"epochs": 1, "head_warmup_epochs": 0}},
            datasets=["digits"],
            results=results,
            executor="inline",
            device="cpu",
        )
    return list(grid.records)


def by_method(records: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(record for record in records if record["trial"]["method"] == name)


def test_weights_are_part_of_the_identity(records: list[dict[str, Any]], weights: Path) -> None:
    known = Weights({NET: weights}).sum(NET)
    bgan, itq = by_method(records, "bgan")["trial"], by_method(records, "itq")["trial"]
    assert bgan["features_weights"] == itq["features_weights"] == known
    assert bgan["backbones"] == {NET: known}
    assert itq["backbones"] == {}
    assert bgan["parameters"]["encoder"] == SPEC


def test_the_state_is_a_trained_network_that_began_at_the_weights(
    records: list[dict[str, Any]], weights: Path, results: Path
) -> None:
    key = by_method(records, "bgan")["key"]
    state = safetensors.torch.load_file(next((results / "records").glob(f"*{key}.safetensors")))
    before = safetensors.torch.load_file(weights)
    (learnt,) = (value for name, value in state.items() if name.endswith("net.features.0.weight"))
    moved = (learnt - before["features.0.weight"]).abs()
    assert 0 < moved.max() < 0.01, "one epoch at rate 1e-4 from the given weights"


def test_the_saved_state_gives_the_records_codes_again(
    records: list[dict[str, Any]], weights: Path, results: Path
) -> None:
    record = by_method(records, "bgan")
    file = next((results / "records").glob(f"*{record['key']}.safetensors"))
    again = METHODS.get("bgan")(8, **record["trial"]["parameters"])
    provider = Weights({NET: weights})
    run = RunContext(torch.device("cpu"), torch.Generator(), backbones=lambda spec: load_backbone(spec, provider))
    again.load_state(safetensors.torch.load_file(file), run)
    kept = np.load(file.with_suffix(".npz"))
    digits = open_dataset("digits", Path())
    inputs = TrainingData(digits, np.empty((0, 0)), digits.labels())
    codes = encode(again, inputs.batches(again, kept["query_items"], run))
    assert np.array_equal(codes.packed, kept["query_codes"])


def plan_of(tmp_path: Path, weights: Path | None, **asked: Any) -> Any:
    provenance = {"git_commit": None, "git_dirty": None, "command": "test"}
    files = {NET: weights} if weights else {}
    settings = Settings(
        tmp_path / "r", tmp_path, tmp_path / "cache", weights=files, offline=True, device="cpu", provenance=provenance
    )
    request = Grid(**{"methods": ("bgan",), "bits": (8,), "features": SPEC, **asked})
    return plan_grids([request], settings), settings


def test_the_plan_knows_the_weights_before_anything_runs(tmp_path: Path, weights: Path) -> None:
    plan, _ = plan_of(tmp_path, weights)
    trials = {entry.planned.trial.method: entry.planned.trial for entry in plan.entries}
    assert trials["bgan"].backbones == {NET: trials["bgan"].features_weights}


def test_an_encoder_of_its_own_needs_its_own_weights(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="no weights for 'alexnet'"):
        plan_of(tmp_path, weights, parameters={"bgan": {"encoder": "alexnet"}})


def test_weights_of_another_network_are_refused_before_anything_runs(tmp_path: Path, weights: Path) -> None:
    state = {name: value[:2] for name, value in safetensors.torch.load_file(weights).items()}
    other = tmp_path / "other.safetensors"
    safetensors.torch.save_file(state, other)
    with pytest.raises(UsageError, match=f"weights {other} do not fit {NET}: it has in other shapes"):
        plan_of(tmp_path, other)
    with pytest.raises(UsageError, match=f"weights {other} do not fit {NET}"):
        plan_of(tmp_path, other, features="gist", parameters={"bgan": {"encoder": SPEC}})


def test_weights_that_nothing_uses_are_refused(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(UsageError, match=f"--weights names '{NET}', which no features and no method of this run use"):
        plan_of(tmp_path, weights, features="gist")


def test_a_precision_that_features_do_not_have_is_noted(tmp_path: Path) -> None:
    plan, _ = plan_of(tmp_path, None, features="gist", features_dtype="float16")
    assert plan.notes == ["features gist are float32, whatever --features-dtype says"]


def test_a_trial_refuses_weights_that_changed_since_the_plan(tmp_path: Path, weights: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(weights.read_bytes())
    plan, settings = plan_of(tmp_path, own)
    planned = next(entry.planned for entry in plan.entries if entry.planned.trial.method == "bgan")
    state = {name: value + 1 for name, value in safetensors.torch.load_file(own).items()}
    safetensors.torch.save_file(state, own)
    record = TrialRunner(planned, settings, lambda event: None).run()
    assert record["status"] == "failed"
    assert record["error"]["message"] == f"weights of {SPEC} changed since the plan was made; run the command again"


def test_a_trial_lends_only_networks_that_were_declared(tmp_path: Path, weights: Path) -> None:
    plan, settings = plan_of(tmp_path, weights)
    run = TrialRunner(plan.entries[-1].planned, settings, lambda event: None)
    with pytest.raises(LookupError, match="bgan asks for the backbone 'alexnet' and does not declare it"):
        run._backbone("alexnet")
    assert run._backbone(SPEC).dimension == 512


def test_the_precision_of_features_is_part_of_the_identity(tmp_path: Path, weights: Path) -> None:
    keys = {}
    for dtype in ("float32", "float16", "bfloat16"):
        plan, _ = plan_of(tmp_path, weights, features_dtype=dtype)
        assert {entry.planned.trial.features_dtype for entry in plan.entries} == {dtype}
        keys[dtype] = [entry.planned.key for entry in plan.entries]
    assert len({key for of_dtype in keys.values() for key in of_dtype}) == sum(map(len, keys.values()))


def test_arrays_in_arrays_out_with_a_network(weights: Path, generator: torch.Generator) -> None:
    images = torch.randint(0, 256, (60, 3, 32, 32), generator=generator, dtype=torch.uint8)
    method = hb.hasher("bgan", 8, weights={NET: weights}, encoder=SPEC, epochs=1)
    codes = method.fit(images, features=torch.randn(60, 16, generator=generator)).encode(images)
    assert codes.shape == (60, 8)
