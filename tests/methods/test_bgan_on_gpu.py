"""BGAN on a GPU against the same on the CPU."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hashbench.execution.training_data import fit
from hashbench.method import Backbone, HashMethod, RunContext, TrainingSet
from hashbench.nets.hash_training import HashTraining
from hashbench.nets.training_batches import Batch
from hashbench.plugins.registry import METHODS
from tests.features.networks import random_net

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
BGAN: Any = METHODS.get("bgan")
SIZE = 64
NET = f"squeezenet1_1@{SIZE}"
N = 200


def backbone(name: str) -> Backbone:
    """Squeezenet with random weights, the same at each call."""
    net: Any = random_net("squeezenet1_1")
    net.classifier = nn.AdaptiveAvgPool2d(1)
    return Backbone(net, 512, SIZE, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def noise() -> tuple[Tensor, Tensor]:
    """Features and images; features in clusters, so that S has something to say."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(10, 16, generator=generator)
    features = centres[torch.arange(N) % 10] + 0.3 * torch.randn(N, 16, generator=generator)
    return features, torch.randint(0, 256, (N, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)


def fitted(device: str, **parameters: Any) -> HashMethod:
    features, images = (part.to(device) for part in noise())
    run = RunContext(torch.device(device), torch.Generator().manual_seed(1), backbones=backbone, features=NET)
    settings = {"encoder": NET, "epochs": 1, "head_warmup_epochs": 5, "precision": "float32", **parameters}
    method = BGAN(32, **settings)
    return fit(method, TrainingSet(features, images), run, 0)


def z_of(method: Any, images: Tensor) -> Tensor:
    with torch.no_grad():
        z: Tensor = method.hasher_(images)
    return z.cpu()


def test_after_an_epoch_from_the_same_state_the_codes_agree() -> None:
    images = noise()[1]
    cpu, gpu = fitted("cpu"), fitted("cuda")
    assert (cpu.encode(images) == gpu.encode(images.cuda()).cpu()).float().mean() >= 0.99


def test_a_state_encodes_alike_but_next_to_zero() -> None:
    images, cpu = noise()[1], fitted("cpu")
    gpu = BGAN(32, encoder=NET)
    run = RunContext(torch.device("cuda"), torch.Generator(), backbones=backbone)
    gpu.load_state({name: value.cuda() for name, value in cpu.state().items()}, run)
    clear = z_of(cpu, images).abs() >= 1e-4
    assert clear.float().mean() > 0.9
    assert torch.equal(cpu.encode(images)[clear], gpu.encode(images.cuda()).cpu()[clear])


@pytest.mark.parametrize("parameters", [{}, {"variant": "released", "batch": 40}, {"views": 3}])
def test_a_training_in_bfloat16_does_not_wait_for_the_device(parameters: dict[str, Any]) -> None:
    """Torch raises where a step would synchronise; an epoch's end and the end of the head's warm-up may."""
    step = HashTraining.step
    steps = []

    def watched(training: Any, batch: Batch, training_step: Any) -> Any:
        steps.append(training_step)
        first = training_step.epoch == 0  # which may set things up
        torch.cuda.set_sync_debug_mode("default" if first else "error")
        try:
            return step(training, batch, training_step)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HashTraining, "step", watched)
        fitted("cuda", precision="bfloat16", epochs=2, **parameters)
    assert len(steps) > 2
