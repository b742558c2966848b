from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hashbench.data.images import resize
from hashbench.method import Backbone
from hashbench.nets.augmentation import Views
from hashbench.nets.encoders import ImageEncoder
from hashbench.nets.frozen_layers import Trunk
from hashbench.nets.hashers import Feed, ImageHasher, Pictures
from hashbench.nets.heads import HashHead


def encoder() -> ImageEncoder:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5), nn.Conv2d(4, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return ImageEncoder(Backbone(net, 5, 16, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)), pretrained=True)


@pytest.fixture
def images(generator: torch.Generator) -> Tensor:
    """Uint8 [230, 3, 16, 16]: more than two blocks."""
    return torch.randint(0, 256, (230, 3, 16, 16), generator=generator, dtype=torch.uint8)


def feed(own: ImageEncoder, count: int, images: Any, views: int = 1) -> Feed:
    versions = Views(len(images), views, True, 0.1, torch.Generator().manual_seed(1), torch.device("cpu"))
    return Feed(own, Trunk(own.net, count), images, versions, torch.float32)


@pytest.mark.parametrize("count", [0, 2])
def test_features_are_those_of_the_whole_encoder_at_rest_in_every_version(count: int, images: Tensor) -> None:
    own = encoder()
    found = feed(own, count, images, views=3)
    rows = torch.arange(len(images))
    expected = [own.eval()(found.views(images, rows, torch.full_like(rows, v))).detach() for v in range(3)]
    own.train()
    torch.testing.assert_close(found.features(), torch.stack(expected))
    torch.testing.assert_close(expected[0], own.eval()(images).detach())


def test_a_trunks_maps_are_held_where_they_fit(images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, versions = torch.tensor([3, 200, 3]), torch.tensor([1, 0, 0])
    held = feed(encoder(), 2, images, views=2)
    monkeypatch.setattr("hashbench.nets.hashers.HELD_BYTES", 1000)
    streamed = feed(encoder(), 2, images, views=2)
    assert held.held is not None
    assert streamed.held is None
    torch.testing.assert_close(held(rows, versions), streamed(rows, versions))
    assert not torch.equal(held(rows, versions)[0], held(rows, versions)[2])


class Streamed:
    """Images that are decoded when asked for."""

    def __init__(self, images: Tensor) -> None:
        self.images = images
        self.reads = 0

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Tensor) -> Tensor:
        self.reads += len(rows)
        return self.images[rows]


def test_an_image_is_read_once_for_all_its_versions(images: Tensor) -> None:
    source = Streamed(images)
    feed(encoder(), 0, source, views=3).features()
    assert source.reads == len(images)


def test_features_are_of_the_images_as_they_are_where_all_versions_do_not_fit(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = feed(encoder(), 0, images, views=3).features()
    monkeypatch.setattr("hashbench.nets.hashers.HELD_BYTES", 3 * 230 * 5 * 4 - 1)
    assert torch.equal(feed(encoder(), 0, images, views=3).features(), whole[:1])


def test_pictures_are_the_images_at_another_size_held_or_streamed(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, versions = torch.tensor([0, 229, 7]), torch.tensor([1, 0, 1])
    cpu = torch.device("cpu")
    views = Views(230, 2, True, 0.2, torch.Generator(), cpu)
    expected = views(resize(images[rows], 8), rows, versions).float() / 255
    assert torch.equal(expected[1], resize(images[229:], 8)[0].float() / 255)
    source = Streamed(images)
    held = Pictures(source, 8, views, cpu)
    assert torch.equal(held(rows, versions), expected)
    assert source.reads == len(images)
    monkeypatch.setattr("hashbench.nets.hashers.HELD_BYTES", 1000)
    assert torch.equal(Pictures(source, 8, views, cpu)(rows, versions), expected)
    assert source.reads == len(images) + len(rows)


def test_a_hashers_z_is_its_heads_of_its_encoders_features(images: Tensor) -> None:
    hasher = ImageHasher(encoder(), 7, hidden=6).eval()
    z = hasher(images[:4])
    assert z.shape == (4, 7)
    assert torch.equal(z, hasher.head(hasher.encoder(images[:4])))


def test_a_head_without_a_hidden_layer_is_one_affine_map_of_the_features(generator: torch.Generator) -> None:
    head = HashHead(5, 3)
    features = torch.rand(50, 5, generator=generator) * torch.arange(1.0, 6) + 3
    head.train()(features)
    head.eval()
    whole = head(features)
    assert torch.allclose(head(features[:20] / 2 + features[20:40] / 2), whole[:20] / 2 + whole[20:40] / 2, atol=1e-6)


def test_a_centred_head_does_not_see_mean_and_scale_of_a_batch(generator: torch.Generator) -> None:
    features = torch.rand(50, 5, generator=generator)
    moved = features * torch.tensor([1.0, 2, 5, 10, 20]) + 7
    centred, bare = HashHead(5, 3).train(), HashHead(5, 3, centred=False).train()
    torch.testing.assert_close(centred(moved), centred(features), atol=1e-5, rtol=1e-2)
    assert not torch.allclose(bare(moved), bare(features), atol=1e-3)


def test_a_head_computes_in_float32_inside_an_autocast(generator: torch.Generator) -> None:
    head, features = HashHead(64, 3, 32), torch.randn(40, 64, generator=generator)
    plain = head(features)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head(features), plain)
