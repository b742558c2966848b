"""Networks without their weights, for a saved state."""

import pytest
import torch

from hashbench.errors import UsageError
from hashbench.features.backbones import bare_backbone, load_backbone
from tests.features.networks import Held, random_net


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v2", "resnet50"])
def test_a_state_makes_a_bare_network_the_one_it_came_from(name: str, generator: torch.Generator) -> None:
    trained = load_backbone(f"{name}@64", Held(states={name: random_net(name).state_dict()}))
    bare = bare_backbone(f"{name}@64")
    images = torch.randn(2, 3, 64, 64, generator=generator)
    with torch.inference_mode():
        assert not torch.equal(bare.net(images), trained.net(images))
        bare.net.load_state_dict(trained.net.state_dict())
        assert torch.equal(bare.net(images), trained.net(images))
    assert (bare.dimension, bare.size, bare.mean, bare.std) == (trained.dimension, 64, trained.mean, trained.std)
    assert not bare.net.training


def test_nothing_in_it_is_left_to_chance() -> None:
    net = bare_backbone("mobilenet_v2").net
    held = [*net.parameters(), *net.buffers()]
    assert {value.device.type for value in held} == {"cpu"}
    assert not any(value.any() for value in held)


def test_a_bare_network_of_timm_is_empty_and_takes_a_state(generator: torch.Generator) -> None:
    timm, spec = pytest.importorskip("timm"), "timm:vit_tiny_patch16_224@96"
    with torch.random.fork_rng(devices=[]):
        whole = timm.create_model("vit_tiny_patch16_224", img_size=96, num_classes=0).eval()
    bare, images = bare_backbone(spec), torch.randn(1, 3, 96, 96, generator=generator)
    assert not any(value.any() for value in bare.net.parameters())
    with torch.inference_mode():
        bare.net.load_state_dict(whole.state_dict())
        torch.testing.assert_close(bare.net(images), whole(images))
    assert (bare.dimension, bare.size) == (192, 96)


def test_global_generators_are_left_alone() -> None:
    before = torch.get_rng_state()
    bare_backbone("squeezenet1_1")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("spec", ["resnet5", "vgg19@31"])
def test_what_is_no_network_raises(spec: str) -> None:
    with pytest.raises(UsageError, match=r"no network named 'resnet5'|size is '31'"):
        bare_backbone(spec)
