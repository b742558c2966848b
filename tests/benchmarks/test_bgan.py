"""BGAN's costly steps, each beside the same step written plainly; on a GPU also against what its card can do.

``pytest tests/benchmarks/test_bgan.py --benchmark-enable``; "images_per_s" and "share_of_peak" stand in extra_info.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from hashbench.data.images import image_batch
from hashbench.execution.frozen_maps import computed_maps
from hashbench.execution.training_data import fit
from hashbench.method import Backbone, HashMethod, RunContext, TrainingSet
from hashbench.nets.decoders import Generator
from hashbench.nets.discriminators import Discriminator
from hashbench.nets.neighbours import neighbourhood_structure
from hashbench.plugins.registry import METHODS
from hashbench.util.device import training_dtype
from tests.features.networks import random_net

BGAN: Any = METHODS.get("bgan")
ON_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_GPU else "cpu")
NET, SIZE, WIDTH = ("vgg19", 224, 4096) if ON_GPU else ("squeezenet1_1", 128, 512)
EPOCH, ENCODE = "an epoch of the whole objective", "encoding"
N, BATCH, BITS = (2000, 100, 32) if ON_GPU else (200, 100, 32)


def network() -> nn.Module:
    """The encoder with random weights, cut behind its features."""
    net: Any = random_net(NET)
    net.classifier = net.classifier[:5] if NET == "vgg19" else nn.AdaptiveAvgPool2d(1)
    compiled: nn.Module = net
    return compiled


def backbone(name: str) -> Backbone:
    """The same as the engine lends it."""
    return Backbone(network(), WIDTH, SIZE, (0.5,) * 3, (0.25,) * 3)


@pytest.fixture(scope="module")
def train() -> TrainingSet:
    """Random images, and features in ten clusters, on the device."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(10, 64, generator=generator)
    features = centres[torch.arange(N) % 10] + 0.5 * torch.randn(N, 64, generator=generator)
    images = torch.randint(0, 256, (N, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    return TrainingSet(features.to(DEVICE), images.to(DEVICE))


def fitted(train: TrainingSet, **parameters: Any) -> HashMethod:
    dtype = training_dtype(DEVICE)
    spec = f"{NET}@{SIZE}"
    run = RunContext(DEVICE, torch.Generator().manual_seed(0), features=spec, dtype=dtype, backbones=backbone)
    settings = {"encoder": spec, "epochs": 1, "head_warmup_epochs": 0, "batch": BATCH, "k1": 10, "k2": 10, **parameters}
    method: HashMethod = BGAN(BITS, **settings)
    part = method.frozen_part()
    if part is not None:
        train = replace(train, given_maps=computed_maps(train.images, part, backbone, DEVICE))
    fit(method, train, run, 0)
    _wait()
    return method


def _wait() -> None:
    if ON_GPU:
        torch.cuda.synchronize()


def rate(benchmark: Any, step: Callable[[], Any], images: int, task: str, implementation: str = "hashbench") -> float:
    """Images per second of the median of three rounds after one that warms up."""
    name = f"{task}, {NET}@{SIZE}"
    benchmark.extra_info.update(task=name, implementation=implementation, queries=images, of="images")
    benchmark.pedantic(step, rounds=3, warmup_rounds=1)
    rate = images / benchmark.stats.stats.median if benchmark.stats else float("nan")
    benchmark.extra_info["images_per_s"] = rate
    return rate


def peak() -> float:
    """Floating-point operations per second of the device's best bfloat16 matrix product among a few sizes."""
    best = 0.0
    for side in (4096, 8192):
        a = torch.randn(side, side, device=DEVICE, dtype=torch.bfloat16)
        for _ in range(3):
            a @ a
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(20):
            a @ a
        torch.cuda.synchronize()
        best = max(best, 20 * 2 * side**3 / (time.perf_counter() - start))
    return best


def note_share(benchmark: Any, images_per_s: float, step: Callable[[], Any], images: int) -> None:
    """On a GPU, the share of :func:`peak` that the counted operations of ``step`` come to."""
    if ON_GPU:
        with FlopCounterMode(display=False) as counter:
            step()
        benchmark.extra_info["share_of_peak"] = counter.get_total_flops() / images * images_per_s / peak()


def test_epoch_of_the_whole_objective(benchmark: Any, train: TrainingSet) -> None:
    step = lambda: fitted(train)  # noqa: E731
    note_share(benchmark, rate(benchmark, step, N, EPOCH), step, N)


def test_epoch_behind_a_frozen_prefix(benchmark: Any, train: TrainingSet) -> None:
    rate(benchmark, lambda: fitted(train, freeze=37 if ON_GPU else 9), N, "training behind a frozen beginning")


def plain_epoch(train: TrainingSet) -> None:
    """The same epoch as a tutorial writes it: float32, every objective with forward passes of its own."""
    encoder, head = network().to(DEVICE).train(), nn.Linear(WIDTH, BITS).to(DEVICE)
    generator, judge = Generator(BITS).to(DEVICE), Discriminator().to(DEVICE)
    similarity = neighbourhood_structure(train.features, 10, 10)
    coder = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=1e-4)
    maker = torch.optim.Adam(generator.parameters(), lr=1e-3)
    judging = torch.optim.Adam(judge.parameters(), lr=1e-3)
    for rows in torch.arange(N, device=DEVICE).tensor_split(N // BATCH):
        images = train.images[rows].float() / 255
        real = functional.interpolate(images, (32, 32), mode="bilinear", antialias=True)
        pictures = (images - 0.5) / 0.25

        code = head(encoder(pictures)).clamp(-1, 1)
        pairs = (code @ code.T / BITS - similarity.block(rows)).square().mean()
        _take(coder, pairs + 0.002 * _content(judge, generator(code), real))

        code = head(encoder(pictures)).clamp(-1, 1).detach()
        _take(maker, _content(judge, generator(code), real))

        made = generator(head(encoder(pictures)).clamp(-1, 1)).detach()
        _take(judging, functional.softplus(-judge(real)[0]).mean() + functional.softplus(judge(made)[0]).mean())


def _content(judge: Discriminator, made: Tensor, real: Tensor) -> Tensor:
    (logits, phi, _), wanted = judge(made), judge(real)[1]
    return functional.mse_loss(made, real) + functional.mse_loss(phi, wanted) - functional.softplus(logits).mean()


def _take(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    optimiser.step()
    loss.item()


def test_epoch_written_plainly(benchmark: Any, train: TrainingSet) -> None:
    def step() -> None:
        plain_epoch(train)
        _wait()

    rate(benchmark, step, N, EPOCH, "written plainly")


def batches(images: Tensor, size: int) -> list[Tensor]:
    return [images[start : start + size] for start in range(0, len(images), size)]


def test_encode(benchmark: Any, train: TrainingSet) -> None:
    method, images = fitted(train), train.images[torch.arange(N, device=DEVICE)]

    def step() -> None:
        with torch.inference_mode():
            for batch in batches(images, image_batch(SIZE, DEVICE)):
                method.encode(batch).cpu()

    note_share(benchmark, rate(benchmark, step, N, ENCODE), step, N)


def test_encode_written_plainly(benchmark: Any, train: TrainingSet) -> None:
    net, images = network().to(DEVICE).eval(), train.images[torch.arange(N, device=DEVICE)]
    head = nn.Linear(WIDTH, BITS).to(DEVICE)

    def step() -> None:
        with torch.no_grad():
            for batch in batches(images, BATCH):
                (head(net((batch.float() / 255 - 0.5) / 0.25)) >= 0).cpu()

    rate(benchmark, step, N, ENCODE, "written plainly")
