from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hashbench.features.frozen_layers import FrozenLayers, blocks
from tests.features.networks import random_net


def chain() -> nn.Sequential:
    torch.manual_seed(0)
    convolutions = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    return nn.Sequential(convolutions, nn.Conv2d(4, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_sequences_are_opened_into_their_blocks() -> None:
    names = [type(owner.get_submodule(name)).__name__ for owner, name in blocks(chain())]
    assert names == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "AdaptiveAvgPool2d", "Flatten"]


def test_the_rest_reads_the_frozen_maps_and_the_network_is_whole_again_afterwards(generator: torch.Generator) -> None:
    net, pictures = chain().eval(), torch.randn(2, 3, 9, 9, generator=generator)
    before, names = net(pictures), list(net.state_dict())
    frozen = FrozenLayers(net, 3)
    maps = frozen(pictures)
    with frozen.skipped():
        assert torch.equal(net(maps), before)
        assert not torch.equal(net(maps + 1), before)
    assert torch.equal(net(pictures), before)
    assert list(net.state_dict()) == names


def test_frozen_layers_learn_nothing_and_keep_their_statistics(generator: torch.Generator) -> None:
    net, pictures = chain(), torch.randn(2, 3, 9, 9, generator=generator)
    frozen = FrozenLayers(net, 3)
    kept = {name: value.clone() for name, value in frozen.chain.state_dict().items()}
    with frozen.skipped():
        net.train()
        net(frozen(pictures)).sum().backward()
    assert all(torch.equal(value, kept[name]) for name, value in frozen.chain.state_dict().items())
    assert [p.grad is None for p in net.parameters()] == [True] * 4 + [False] * 2


@pytest.mark.parametrize(("net", "count"), [("squeezenet1_1", 9), ("vgg19", 37), ("mobilenet_v2", 12)])
def test_networks_can_be_cut_behind_their_blocks(net: str, count: int, generator: torch.Generator) -> None:
    made: Any = random_net(net)
    made.classifier = nn.Identity()
    FrozenLayers(made, count).check(torch.randn(2, 3, 64, 64, generator=generator))


class Skipping(nn.Module):
    """Adds its input again behind its blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.blocks(x) + x
        return y


def test_a_network_that_is_no_chain_is_refused(generator: torch.Generator) -> None:
    net = Skipping()
    pictures = torch.randn(2, 3, 8, 8, generator=generator)
    FrozenLayers(net, 0).check(pictures)
    with pytest.raises(
        ValueError, match="freeze is 1, wanted 0: this network does not run its blocks one after the other"
    ):
        FrozenLayers(net, 1).check(pictures)


def test_a_cut_behind_which_maps_are_reshaped_is_refused(generator: torch.Generator) -> None:
    net: Any = random_net("vgg19")
    with pytest.raises(
        ValueError, match="freeze is 39, wanted 0: this network does not run its blocks one after the other"
    ):
        FrozenLayers(net, 39).check(torch.randn(2, 3, 64, 64, generator=generator))


def test_something_has_to_be_left_to_train() -> None:
    with pytest.raises(ValueError, match="freeze is 6, wanted 0 to 5: the network has 6 blocks"):
        FrozenLayers(chain(), 6)
