"""What is read of a batch is read ahead of its step, in a thread, and changes nothing that a training computes."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import hashbench.data.images
from hashbench.data.spec import open_dataset
from hashbench.errors import BrokenFiles
from hashbench.execution import frozen_maps
from hashbench.execution.frozen_maps import computed_maps
from hashbench.execution.training_data import TrainingData, fit
from hashbench.method import Backbone, RunContext, TrainingSet
from hashbench.nets import training_batches
from hashbench.nets.hash_training import HashTraining
from hashbench.nets.training import Values
from hashbench.nets.training_batches import Batch, EpochBatches
from hashbench.plugins.registry import METHODS

CPU = torch.device("cpu")
N = 50
ITEMS = np.arange(N) * 7
READER = "hashbench-prefetch"
NETWORK = "squeezenet1_1@32"


def network(name: str) -> Backbone:
    """A network of 32 px with something to freeze, and dropout, which draws in every step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        convolutions = nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.Dropout(0.3)
        return Backbone(
            nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 8, 32, (0.4,) * 3, (0.2,) * 3
        )


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(READER)]


class Reads:
    """In which threads images were decoded, how many, and how often a step waited for it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.threads: list[str] = []
        self.images = 0
        self.in_steps = 0
        get, step = hashbench.data.images.ImageSource.__getitem__, HashTraining.step
        stepping = False

        def watched_get(source: Any, rows: Tensor) -> Tensor:
            name = threading.current_thread().name
            self.threads.append(name)
            self.images += len(rows)
            self.in_steps += stepping and not name.startswith(READER)
            return get(source, rows)

        def watched_step(training: HashTraining, batch: Batch, training_step: Any) -> Values:
            nonlocal stepping
            stepping = True
            values = step(training, batch, training_step)
            stepping = False
            return values

        patch.setattr("hashbench.data.images.ImageSource.__getitem__", watched_get)
        patch.setattr(HashTraining, "step", watched_step)


def training_set(part: Any = None) -> TrainingSet:
    """Some digits as the engine gives them to a method on images and features."""
    digits = open_dataset("digits", Path())
    features = np.random.default_rng(0).random((len(digits), 8), dtype=np.float32)
    data, run = TrainingData(digits, features, digits.labels()), RunContext(CPU, torch.Generator())
    images = data.images(ITEMS, 32, run.device)
    train = TrainingSet(data.feature_rows(ITEMS, CPU), images)
    return train if part is None else replace(train, given_maps=computed_maps(images, part, network, CPU))


def trained(**parameters: Any) -> dict[str, Any]:
    """All that a training leaves: weights, losses, and where the generators stand."""
    made: dict[str, Any] = {"epochs": 2, "batch": 20, "views": 3, "k1": 5, "k2": 5, **parameters}
    features = "pixels" if made.get("encoder") != NETWORK else NETWORK
    run = RunContext(CPU, torch.Generator().manual_seed(3), features=features, backbones=network)
    method = METHODS.get("bgan")(8, **made)
    fit(method, training_set(method.frozen_part()), run, 0)
    return {**method.state(), "epochs": run.epochs, "drawn": run.generator.get_state()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two trainings left the same, bit for bit."""
    return one.keys() == other.keys() and all(
        torch.equal(value, other[name]) if isinstance(value, Tensor) else value == other[name]
        for name, value in one.items()
    )


@pytest.mark.parametrize(
    ("parameters", "targets"),
    [
        ({}, "held"),
        ({"variant": "released"}, "read"),
        ({"batch_neighbours": 1}, "read"),
        ({"encoder": NETWORK, "head_warmup_epochs": 1, "similar": 5}, "held"),
    ],  # released: noise in each step
    ids=["paper", "released", "neighbours", "head warm-up"],
)
def test_images_read_ahead_train_as_held_ones_do(
    parameters: dict[str, Any], targets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = trained(**parameters)
    monkeypatch.setattr("hashbench.execution.training_data.MAX_CACHED_IMAGE_BYTES", 0)
    if targets == "read":
        monkeypatch.setattr("hashbench.nets.training_images.DEVICE_CACHE_BYTES", 0)
    with pytest.MonkeyPatch.context() as patch:
        reads = Reads(patch)
        ahead = trained(**parameters)
    assert same(held, ahead)
    assert reads.in_steps == 0
    # Once in each of two epochs of three batches, for encoder and targets alike; for targets that are held once more,
    # and for a network's features twice, for S and for the head.
    passes = 2 * ("encoder" in parameters)
    assert reads.images == (2 + (targets == "held") + passes) * N
    assert sum(name.startswith(READER) for name in reads.threads) == 2 * 3 + passes
    monkeypatch.setattr(training_batches, "prefetch_to", lambda batches, _: batches)
    assert same(held, trained(**parameters))


@pytest.mark.parametrize("images", ["held", "read"])
def test_maps_read_ahead_train_as_held_ones_do(images: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {"encoder": NETWORK, "freeze": 2, "head_warmup_epochs": 1, "similar": 5, "views": 2}
    held = trained(**made)
    monkeypatch.setattr(frozen_maps, "DEVICE_CACHE_BYTES", 0)
    if images == "read":  # of which the generator's targets are made
        monkeypatch.setattr("hashbench.execution.training_data.MAX_CACHED_IMAGE_BYTES", 0)
        monkeypatch.setattr("hashbench.nets.training_images.held_bytes", lambda *_: 0)
    with pytest.MonkeyPatch.context() as patch:
        reads = Reads(patch)
        threads = set()
        get = frozen_maps.TrainingMaps.__call__

        def watched(maps: Any, rows: Tensor, view_ids: Tensor) -> Tensor:
            threads.add(threading.current_thread().name.startswith(READER))
            return get(maps, rows, view_ids)

        patch.setattr(frozen_maps.TrainingMaps, "__call__", watched)
        ahead = trained(**made)
    assert same(held, ahead)
    assert reads.in_steps == 0
    assert True in threads


class Numbers:
    """Images that are their row's number; writes down which rows were read."""

    def __init__(self, broken: int | None = None) -> None:
        self.read: list[int] = []
        self.broken = broken

    def __len__(self) -> int:
        return 100

    def __getitem__(self, rows: Tensor) -> Tensor:
        if self.broken in rows.tolist():
            raise BrokenFiles("a file is broken", {})
        self.read += rows.tolist()
        return rows.to(torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)


def epoch(images: Numbers | None) -> EpochBatches:
    rows = torch.arange(10).tensor_split(5)
    return EpochBatches(rows, [torch.zeros_like(part) for part in rows], None, images, CPU)


def test_batches_bring_their_own_images_and_at_most_two_are_read_ahead() -> None:
    images, seen = Numbers(), 0
    batches = epoch(images)
    assert len(batches) == 5
    for batch in batches:
        seen += len(batch.rows)
        assert len(images.read) <= seen + 4
        assert batch.images is not None
        assert batch.images[:, 0, 0, 0].tolist() == batch.rows.tolist()
        assert batch.maps is None
    assert images.read == list(range(10))


def test_nothing_is_read_and_no_thread_begun_for_what_lies_on_the_device() -> None:
    batches = iter(epoch(None))
    assert next(batches).images is None
    assert readers() == []


def test_a_broken_file_ends_the_training_where_its_batch_would_have_come() -> None:
    batches, rows = iter(epoch(Numbers(broken=4))), []
    with pytest.raises(BrokenFiles, match="a file is broken"):
        rows += [batch.rows.tolist() for batch in batches]
    assert readers() == []


@pytest.mark.parametrize("where", ["file", "step"])
def test_an_exception_ends_the_training_and_its_thread(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.execution.training_data.MAX_CACHED_IMAGE_BYTES", 0)
    steps, error = [], KeyboardInterrupt("step") if where == "step" else BrokenFiles("file", {})
    step, get = HashTraining.step, hashbench.data.images.ImageSource.__getitem__

    def broken_step(training: HashTraining, batch: Batch, training_step: Any) -> Values:
        steps.append(training_step.step)
        if where == "step" and len(steps) == 2:
            assert len(readers()) == 1
            raise error
        return step(training, batch, training_step)

    def broken_get(source: Any, rows: Tensor) -> Tensor:
        if where == "file" and steps and threading.current_thread().name.startswith(READER):
            raise error
        return get(source, rows)

    monkeypatch.setattr(HashTraining, "step", broken_step)
    monkeypatch.setattr("hashbench.data.images.ImageSource.__getitem__", broken_get)
    with pytest.raises(type(error)) as raised:
        trained()
    assert raised.value is error
    assert readers() == []  # though the exception, and with it every frame, is still here
