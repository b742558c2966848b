"""GIST against a plain transcription of LMgist, and what a descriptor of oriented energy has to do."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from hashbench.features.gist import transfer_functions
from hashbench.features.spec import extractor

gist = extractor("gist")


@pytest.fixture(scope="module")
def photographs() -> Tensor:
    """Uint8 [6, 3, 32, 32] with the spectrum of photographs: amplitudes that fall with frequency."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.fftfreq(32)) + 1 / 32
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(6, 3, 32, 32))) / frequency).real
    low, high = noise.min((1, 2, 3), keepdims=True), noise.max((1, 2, 3), keepdims=True)
    return torch.from_numpy(((noise - low) / (high - low) * 255).astype(np.uint8))


def lmgist(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """LMgist.m of one grey image [32, 32], statement by statement, in float64."""
    image = image - image.min()
    image = 255 * image / image.max()

    image = np.pad(np.log(image + 1), 5, mode="symmetric")
    fx, fy = np.meshgrid(np.arange(-21, 21), np.arange(-21, 21))
    gaussian = np.fft.fftshift(np.exp(-(fx**2 + fy**2) / (4 / math.sqrt(math.log(2))) ** 2))
    image = image - np.fft.ifft2(np.fft.fft2(image) * gaussian).real
    deviation = np.sqrt(np.abs(np.fft.ifft2(np.fft.fft2(image**2) * gaussian)))
    image = (image / (0.2 + deviation))[5:-5, 5:-5]

    n = 96
    fx, fy = np.meshgrid(np.arange(-n / 2, n / 2), np.arange(-n / 2, n / 2))
    radius = np.fft.fftshift(np.sqrt(fx**2 + fy**2))
    direction = np.fft.fftshift(np.angle(fx + 1j * fy))
    spectrum = np.fft.fft2(np.pad(image, 32, mode="symmetric"))
    descriptor = []
    for scale in range(4):
        for orientation in range(8):
            angle = direction + math.pi / 8 * orientation
            angle = angle + 2 * math.pi * (angle < -math.pi) - 2 * math.pi * (angle > math.pi)
            p2, p3 = 0.3 / 1.85**scale, 16 * 8**2 / 32**2
            transfer = np.exp(-10 * 0.35 * (radius / n / p2 - 1) ** 2 - 2 * p3 * math.pi * angle**2)
            energy = np.abs(np.fft.ifft2(spectrum * transfer))[32:64, 32:64]
            descriptor += [energy[8 * y : 8 * y + 8, 8 * x : 8 * x + 8].mean() for y in range(4) for x in range(4)]
    return np.array(descriptor)


def grating(degrees: float, cycles_per_pixel: float) -> Tensor:
    """Uint8 [1, 1, 32, 32]: a sinusoid whose brightness changes along ``degrees`` (0: to the right, 90: downwards)."""
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    along = x * math.cos(math.radians(degrees)) + y * math.sin(math.radians(degrees))
    return ((torch.sin(2 * math.pi * cycles_per_pixel * along) + 1) * 127).to(torch.uint8)[None, None]


def by_channel(features: Tensor) -> Tensor:
    """Mean energy [scale, orientation] of one descriptor."""
    return features.view(4, 8, 16).mean(2)


def test_512_floats_none_negative(photographs: Tensor) -> None:
    features = gist(photographs)
    assert features.shape == (6, 512)
    assert features.dtype == torch.float32
    assert (features >= 0).all()


def test_it_is_lmgist_up_to_the_seam_of_its_padding(photographs: Tensor) -> None:
    expected = np.stack([lmgist(image) for image in photographs.double().mean(1).numpy()])
    descriptors = gist(photographs).numpy()
    np.testing.assert_allclose(descriptors, expected, rtol=0.005, atol=5e-4)


def test_an_image_has_its_features_in_any_batch(photographs: Tensor) -> None:
    many = photographs.repeat(13, 1, 1, 1)
    alone = torch.cat([gist(image[None]) for image in photographs])
    torch.testing.assert_close(gist(many), alone.repeat(13, 1), rtol=0, atol=1e-5)


def test_a_constant_image_has_no_energy() -> None:
    for level in (0, 7, 255):
        features = gist(torch.full((1, 3, 32, 32), level, dtype=torch.uint8))
        assert features.isfinite().all()
        assert features.abs().max() < 1e-3


@pytest.mark.parametrize("orientation", range(8))
def test_a_grating_excites_the_channel_of_its_orientation_most(orientation: int) -> None:
    # Orientation o looks at frequencies of direction -o * 22.5 degrees, with y pointing downwards.
    energy = by_channel(gist(grating(-22.5 * orientation, 0.3 / 1.85)))
    assert energy[1].argmax() == orientation
    assert energy[1, orientation] > 3 * energy[1, (orientation + 4) % 8]


@pytest.mark.parametrize("scale", range(3))  # the prefilter takes the coarsest frequencies out
def test_a_grating_excites_the_scale_of_its_frequency_most(scale: int) -> None:
    assert by_channel(gist(grating(0, 0.3 / 1.85**scale)))[:, 0].argmax() == scale


def test_filters_peak_at_their_frequency_and_are_one_sided() -> None:
    filters = transfer_functions(torch.device("cpu"))
    for scale, frequency in enumerate((0.3, 0.162, 0.0877, 0.0474)):
        along_x = filters[scale, 0, 0]
        assert abs(torch.fft.fftfreq(64)[along_x.argmax()] - frequency) < 1 / 64
        assert along_x.max() > 0.95
        assert along_x[33:].max() < 1e-6


def test_a_shift_inside_a_block_matters_less_than_another_image(photographs: Tensor) -> None:
    features = gist(photographs)
    shifted = gist(photographs.roll(1, dims=3))
    moved = (shifted - features).norm(dim=1)
    apart = torch.cdist(features, features) + torch.eye(6) * 1e9
    assert (moved < 0.5 * apart.amin(1)).all()


def test_brightness_and_contrast_do_not_matter(photographs: Tensor) -> None:
    dark = (photographs.float().mean(1, keepdim=True) / 4 + 20).to(torch.uint8)
    bright = (dark.int() * 2).to(torch.uint8)
    torch.testing.assert_close(gist(dark), gist(bright), rtol=0, atol=1e-4)


def test_other_sizes_and_grey_are_brought_to_32(photographs: Tensor) -> None:
    grey = photographs[:, :1]
    torch.testing.assert_close(gist(grey), gist(grey.repeat(1, 3, 1, 1)), rtol=0, atol=1e-5)
    doubled = photographs.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.nn.functional.cosine_similarity(gist(doubled), gist(photographs)).min() > 0.97
