"""Extractors by name, and the pixels."""

import numpy as np
import pytest
import torch

from hashbench.errors import UsageError
from hashbench.features.spec import extractor, names


def test_every_name_makes_an_extractor_of_that_name() -> None:
    assert names() == sorted(names())
    for name in names():
        made = extractor(name)
        assert (made.name, made.dtype) == (name, "float32")


def test_a_size_belongs_to_the_name() -> None:
    assert extractor("pixels@16").name == "pixels@16"
    assert extractor("pixels@016").name == "pixels@16"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pixel", r"no features named 'pixel'; did you mean 'pixels'\? \(there are: gist, pixels"),
        ("", "no features named ''"),
        ("pixels@0", "size is '0', wanted 1 to 1024 pixels, as in 'pixels@32'"),
        ("pixels@2000", "size is '2000', wanted 1 to 1024"),
        ("pixels@-3", "size is '-3'"),
        ("pixels@", "size is ''"),
        ("pixels@big", "size is 'big'"),
        ("gist@64", "gist has a size of its own; write 'gist'"),
    ],
)
def test_what_cannot_be_made_is_said(spec: str, message: str) -> None:
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
