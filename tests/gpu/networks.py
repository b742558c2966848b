"""Epochs, encoding and extraction: how long they take, and their share of what the card can do."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from hashbench.data.images import image_batch
from hashbench.execution.training_data import fit
from hashbench.features.backbones import load_backbone
from hashbench.features.weights import Weights
from hashbench.method import HashMethod, RunContext, TrainingSet
from hashbench.util.device import training_dtype
from tests.benchmarks import test_bgan
from tests.gpu.report import Line
from tests.gpu.setting import Setting

GOALS_S = {"epoch": 10, "encode": 15}


def _training_set(setting: Setting, count: int, size: int) -> TrainingSet:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(10, 64, generator=generator)
    features = centres[torch.arange(count) % 10] + 0.5 * torch.randn(count, 64, generator=generator)
    images = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, device=setting.device)
    return TrainingSet(features.to(setting.device), images)


def epoch_and_encode(setting: Setting) -> Iterator[Line]:
    """The whole objective of BGAN on random pictures: VGG19 at 224 on a GPU, a small network elsewhere."""
    net, size, count = test_bgan.NET, test_bgan.SIZE, setting.size(10_000, 20)
    batch = setting.size(100, 10)
    warm = _training_set(setting, 4 * batch, size)
    test_bgan.fitted(warm, batch=batch, k1=3, k2=3)
    train = _training_set(setting, count, size)
    start = time.perf_counter()
    method = test_bgan.fitted(train, batch=batch)
    seconds = time.perf_counter() - start
    wanted = setting.on_gpu and not setting.tiny
    goal = seconds <= GOALS_S["epoch"] if wanted else None
    yield Line(
        f"an epoch of {net}@{size} on {count:,} pictures",
        seconds,
        "s",
        goal,
        f"goal {GOALS_S['epoch']} s" if wanted else "",
    )
    if setting.on_gpu:
        with FlopCounterMode(display=False) as counter:
            test_bgan.fitted(warm, batch=batch)
        share = counter.get_total_flops() / len(warm.images) * count / seconds / test_bgan.peak()
        yield Line("share of the card's best matrix product", 100 * share, "%")
    yield from _encode(setting, method, train, size)


def _encode(setting: Setting, method: HashMethod, train: TrainingSet, size: int) -> Iterator[Line]:
    rows, times = image_batch(size, setting.device), setting.size(6, 1)
    images = train.images[torch.arange(len(train.images), device=setting.device)]

    def step() -> None:
        with torch.inference_mode():
            for start in range(0, len(images), rows):
                method.encode(images[start : start + rows]).cpu()

    seconds = times * setting.seconds(step, 1)
    wanted = setting.on_gpu and not setting.tiny
    goal = seconds <= GOALS_S["encode"] if wanted else None
    note = f"goal {GOALS_S['encode']} s" if wanted else ""
    yield Line(f"encoding {times * len(images):,} pictures by {test_bgan.NET}@{size}", seconds, "s", goal, note)


def small_steps(setting: Setting) -> Iterator[Line]:
    """Steps at 32 px, hundreds of small kernels each: as they are, and compiled by torch, which takes a minute."""
    train, batch, epochs = _training_set(setting, setting.size(10_000, 40), 32), setting.size(100, 20), 5
    steps = epochs * len(train.features) // batch
    for compiled in (False,) if setting.tiny else (False, True):
        first, longer = (
            _seconds_of_training(setting, train, batch=batch, epochs=each, compiled=compiled)
            for each in (1, 1 + epochs)
        )
        name = f"a step of the small encoder at 32 px, batch {batch}" + ", compiled" * compiled
        yield Line(name, 1000 * (longer - first) / steps, "ms", note=f"the first epoch took {first:.1f} s")


def _seconds_of_training(setting: Setting, train: TrainingSet, **parameters: Any) -> float:
    device = setting.device
    run = RunContext(device, torch.Generator().manual_seed(0), features="pixels", dtype=training_dtype(device))
    setting.wait()
    start = time.perf_counter()
    fit(test_bgan.BGAN(test_bgan.BITS, encoder="small", k1=10, k2=10, **parameters), train, run, 0)
    setting.wait()
    return time.perf_counter() - start


def extraction(setting: Setting) -> Iterator[Line]:
    """Features of random pictures by the photo sets' default network."""
    spec, count = "efficientnet_lite0@128", setting.size(20_000, 8)
    net = load_backbone(spec, Weights(offline=True)).net.to(setting.device).eval()
    images = torch.randint(0, 256, (count, 3, 128, 128), dtype=torch.uint8, device=setting.device)
    rows = image_batch(128, setting.device)
    dtype = torch.float16 if setting.on_gpu else torch.float32

    def step() -> None:
        with torch.inference_mode(), torch.autocast(setting.device.type, dtype=dtype, enabled=setting.on_gpu):
            for start in range(0, count, rows):
                net(images[start : start + rows].float().div_(255)).float().cpu()

    yield Line(f"{spec}, images on the device", count / setting.seconds(step, 2), "images/s")
