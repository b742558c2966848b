from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hashbench.errors import UsageError
from hashbench.method import Backbone, no_backbone
from hashbench.nets.decoders import Generator, Pointwise
from hashbench.nets.discriminators import Discriminator
from hashbench.nets.encoders import build_encoder, input_size


def multiplications(net: nn.Module, batch: Tensor) -> int:
    """Of one item's forward pass, in convolutions and linear maps."""
    total = 0

    def count(layer: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.ConvTranspose2d):
            total += layer.weight[0].numel() * given[0][0].numel()
        elif isinstance(layer, (nn.Conv2d, nn.Linear)):
            total += layer.weight[0].numel() * result[0].numel()

    hooks = [layer.register_forward_hook(count) for layer in net.modules()]
    net(batch)
    for hook in hooks:
        hook.remove()
    return total


def test_small_encoder_is_five_blocks_that_end_in_one_position() -> None:
    encoder = build_encoder("small", no_backbone)
    convolutions = [layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
    pools = [layer for layer in encoder.modules() if isinstance(layer, nn.MaxPool2d)]
    assert [layer.kernel_size for layer in convolutions] == [(3, 3)] * 5
    assert [layer.kernel_size for layer in pools] == [2] * 5
    assert not encoder.pretrained
    assert encoder(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, encoder.dimension)


def test_generator_and_discriminator_together_cost_no_more_than_the_encoder() -> None:
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    encoder = multiplications(build_encoder("small", no_backbone).eval(), images)
    generator = multiplications(Generator(64).eval(), torch.zeros(1, 64))
    discriminator = multiplications(Discriminator().eval(), images.float())
    assert 0 < generator + discriminator <= encoder


def test_pointwise_is_the_1x1_convolution(generator: torch.Generator) -> None:
    maps = torch.randn(5, 8, 6, 7, generator=generator, requires_grad=True)
    pointwise = Pointwise(8, 3)
    assert pointwise.bias is not None
    ours, theirs = pointwise(maps), nn.functional.conv2d(maps, pointwise.weight, pointwise.bias)
    torch.testing.assert_close(ours, theirs)
    inputs = (maps, pointwise.weight, pointwise.bias)
    gradients = [torch.autograd.grad(output.square().sum(), inputs) for output in (ours, theirs)]
    torch.testing.assert_close(*gradients)


def test_the_authors_networks_are_a_matter_of_widths() -> None:
    pictures = Generator(48, size=64, start=256, widths=(256, 128, 32))(torch.ones(2, 48))
    logits, phi, hidden = Discriminator(size=64, widths=(32, 128, 256, 256), first_stride=1, hidden=1024)(pictures)
    assert pictures.shape == (2, 3, 64, 64)
    assert logits.shape == (2,)
    assert phi.shape == (2, 256, 8, 8)
    assert hidden.shape == (2, 1024)
    assert pictures.min() >= 0
    assert pictures.max() <= 1


@pytest.mark.parametrize("build", [lambda: Generator(8, size=36), lambda: Discriminator(size=36)])
def test_sizes_that_do_not_halve_are_refused(build: Any) -> None:
    with pytest.raises(ValueError, match="size is 36, wanted a multiple of 8"):
        build()


def test_a_backbone_sees_images_normalised_its_way() -> None:
    backbone = Backbone(nn.Flatten(), 3, 1, (0.1, 0.2, 0.3), (0.5, 0.25, 0.125))
    encoder = build_encoder("net@1", lambda name: backbone)
    seen = encoder(torch.tensor([255, 0, 51], dtype=torch.uint8).view(1, 3, 1, 1))
    assert encoder.pretrained
    assert torch.allclose(seen, torch.tensor([[(1 - 0.1) / 0.5, (0 - 0.2) / 0.25, (0.2 - 0.3) / 0.125]]))


def test_a_backbone_that_is_not_here_is_named() -> None:
    with pytest.raises(LookupError, match="vgg19"):
        build_encoder("vgg19", no_backbone)


def test_input_sizes_go_with_the_name() -> None:
    assert input_size("small") == 32
    assert input_size("squeezenet1_1@128") == 128
    assert input_size("vgg19") == 224
    with pytest.raises(UsageError, match="large"):
        input_size("vgg19@large")
