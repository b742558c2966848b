"""Preprocessing against torchvision's own preset."""

import pytest
import torch
from torch import Tensor
from torchvision.models import get_model_weights
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from hashbench.dataset import Images
from hashbench.features.preprocessing import Preprocessing
from hashbench.features.torchvision_nets import NETS, PRESET, WEIGHTS

SHAPES = [(375, 500), (500, 333), (256, 256), (224, 224), (32, 32), (100, 257), (100, 134), (257, 256)]


def random_images(n: int, channels: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 256, (n, channels, height, width), dtype=torch.uint8, generator=generator)


def inputs(view: Preprocessing, images: Images) -> Tensor:
    return view.normalised(view.cropped(images))


@pytest.mark.parametrize("name", NETS)
def test_every_network_has_torchvisions_preset(name: str) -> None:
    preset = get_model_weights(name)[WEIGHTS].transforms()
    assert (preset.crop_size, preset.resize_size) == ([PRESET.size], [PRESET.shorter_side])
    assert (preset.interpolation.value, preset.antialias) == (PRESET.interpolation, True)
    assert (tuple(preset.mean), tuple(preset.std)) == (PRESET.mean, PRESET.std)
    assert NETS[name].preprocessing == PRESET


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_images_are_shown_as_torchvision_shows_them(shape: tuple[int, int], generator: torch.Generator) -> None:
    images = random_images(2, 3, *shape, generator)
    wanted = get_model_weights("resnet50")[WEIGHTS].transforms()(images)
    torch.testing.assert_close(inputs(PRESET, images), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(90, 90), (60, 91), (91, 60), (1, 1), (40, 200)], ids=str)
def test_a_crop_that_is_larger_than_the_image_has_a_black_frame(
    shape: tuple[int, int], generator: torch.Generator
) -> None:
    images = random_images(2, 3, *shape, generator)
    wanted = ImageClassification(crop_size=112, resize_size=97, mean=PRESET.mean, std=PRESET.std)(images)
    view = Preprocessing(112, 97, "bilinear", PRESET.mean, PRESET.std)
    torch.testing.assert_close(inputs(view, images), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_another_size_is_the_largest_centred_square(
    shape: tuple[int, int], interpolation: str, generator: torch.Generator
) -> None:
    images = random_images(1, 3, *shape, generator)
    mode = InterpolationMode(interpolation)
    wanted = ImageClassification(crop_size=96, resize_size=96, interpolation=mode, mean=PRESET.mean, std=PRESET.std)
    view = Preprocessing(224, 256, mode.value, PRESET.mean, PRESET.std).at(96)
    torch.testing.assert_close(inputs(view, images), wanted(images), rtol=0, atol=1e-6)


def test_a_square_is_taken_whole_and_at_its_size_unchanged(generator: torch.Generator) -> None:
    images = random_images(3, 3, 64, 64, generator)
    assert torch.equal(PRESET.at(64).cropped(images), images)


def test_no_size_keeps_the_preset() -> None:
    assert PRESET.at(None) is PRESET


def test_images_of_different_sizes_are_shown_one_by_one(generator: torch.Generator) -> None:
    tall, wide, grey = (random_images(1, c, h, w, generator)[0] for c, h, w in ((3, 90, 60), (3, 40, 50), (1, 70, 70)))
    cropped = PRESET.at(48).cropped([tall, wide, grey])
    assert cropped.shape == (3, 3, 48, 48)
    for image, picture in zip((tall, wide, grey.repeat(3, 1, 1)), cropped, strict=True):
        assert torch.equal(PRESET.at(48).cropped(image.unsqueeze(0))[0], picture)


def test_grey_images_get_three_channels(generator: torch.Generator) -> None:
    grey = random_images(2, 1, 50, 40, generator)
    assert torch.equal(PRESET.cropped(grey), PRESET.cropped(grey.repeat(1, 3, 1, 1)))


def test_inputs_lie_in_channels_last_order(generator: torch.Generator) -> None:
    assert inputs(PRESET, random_images(2, 3, 32, 32, generator)).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("shape", [(2, 4000), (4000, 2)])
def test_of_a_strip_only_the_middle_is_resized(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    sides: list[list[int]] = []

    def interpolate(images: Tensor, size: list[int], **_: object) -> Tensor:
        sides.append(size)
        return torch.zeros(len(images), 3, *size)

    monkeypatch.setattr(torch.nn.functional, "interpolate", interpolate)
    assert PRESET.cropped(torch.zeros(1, 3, *shape, dtype=torch.uint8)).shape == (1, 3, 224, 224)
    assert [sorted(each) for each in sides] == [[256, 8 * 256]]
