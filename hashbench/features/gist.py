"""GIST: the energy of oriented band-pass filters, averaged over a 4x4 grid; 512 dimensions."""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from hashbench.data.images import resize
from hashbench.dataset import Images
from hashbench.features.extractor import Extractor

SIZE = 32
ORIENTATIONS = 8
SCALES = 4
GRID = 4
PREFILTER_CUTOFF = 4.0  # cycles per padded image
PREFILTER_PADDING = 5  # pixels
CONTRAST_FLOOR = 0.2
BATCH_IMAGES = 16  # on a CPU, in whose cache their filtered versions stay: .74 ms an image, at 32 .90, at 128 1.8


class Gist(Extractor):
    """GIST descriptors, 512-d (Oliva and Torralba, Modeling the shape of the scene, 2001), as LMgist computes them.

    The mean of the channels at 32x32, stretched to 0..255; :func:`prefilter`; 8 orientations at each of 4 scales
    (:func:`transfer_functions`); the modulus of each response averaged over 4x4 blocks. Dimension
    ``(scale * 8 + orientation) * 16 + row * 4 + column``, finest scale first.

    Deviations from LMgist: it continues the image by reflection for 32 pixels and leaves a seam where that wraps
    around; here the reflection is periodic (period 64), which has no seam and costs less. And of a picture that is no
    square it takes the largest one in its middle; here all of it is squeezed to one, as the images of every method.
    """

    part = name = "gist"
    version = 1

    def __call__(self, images: Images) -> Tensor:
        """Float32 [n, 512], none negative, of uint8 [n, c, h, w]; resized to 32x32 first."""
        squares = resize(images, SIZE)
        batch = BATCH_IMAGES if squares.device.type == "cpu" else max(1, len(squares))
        return torch.cat([_descriptors(part) for part in torch.split(squares, batch)])


def _descriptors(images: Tensor) -> Tensor:
    grey = _stretched(images.float().mean(1))
    spectrum = torch.fft.fft2(_mirrored(prefilter(grey), 0, SIZE))
    energies = []
    for filters in transfer_functions(images.device):
        rows = torch.fft.ifft(spectrum.unsqueeze(1) * filters)[..., :SIZE]  # cut between the axes: a sixth faster
        response = torch.fft.ifft(rows, dim=-2)[..., :SIZE, :].abs()
        energies.append(functional.avg_pool2d(response, SIZE // GRID).flatten(1))
    return torch.cat(energies, 1)


def _stretched(grey: Tensor) -> Tensor:
    """Each image of [n, h, w] stretched to 0..255; a constant one becomes 0."""
    low, high = grey.amin((1, 2), keepdim=True), grey.amax((1, 2), keepdim=True)
    return (grey - low) / (high - low).clamp_min(torch.finfo(grey.dtype).tiny) * 255


def prefilter(grey: Tensor) -> Tensor:
    """Whitened, locally normalised log images: float [n, h, w] of float [n, h, w] in 0..255.

    With the Gaussian low-pass G (cut-off 4 cycles per image): y = log(1 + x) - G log(1 + x), then
    y / (0.2 + sqrt(G y^2)). The image is continued by reflection for 5 pixels on each side.
    """
    padding = PREFILTER_PADDING
    padded = _mirrored(torch.log1p(grey), padding, padding)
    height, width = padded.shape[-2:]
    rows = torch.fft.fftfreq(height, 1 / height, device=grey.device)
    columns = torch.fft.rfftfreq(width, 1 / width, device=grey.device)
    low_pass = torch.exp(-(rows[:, None] ** 2 + columns**2) * math.log(2) / PREFILTER_CUTOFF**2)

    def blurred(image: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(image) * low_pass
        return torch.fft.irfft2(spectrum, s=(height, width))  # type: ignore[no-any-return]

    whitened = padded - blurred(padded)
    normalised: Tensor = whitened / (CONTRAST_FLOOR + blurred(whitened.square()).abs().sqrt())
    return normalised[:, padding:-padding, padding:-padding]


def _mirrored(images: Tensor, before: int, after: int) -> Tensor:
    """[n, h, w] continued on both axes by its mirror image; the border pixel itself is repeated."""
    for axis in (1, 2):
        length = images.shape[axis]
        order = torch.arange(-before, length + after, device=images.device)
        order = torch.where(order < 0, -1 - order, order)
        order = torch.where(order >= length, 2 * length - 1 - order, order)
        images = images.index_select(axis, order)
    return images


@cache
def transfer_functions(device: torch.device) -> Tensor:
    """Float32 [4, 8, 64, 64], scales by orientations: filters for the spectrum of a 64x64 image, frequency 0 first.

    With frequency f in cycles per pixel, its direction t, scale s = 0..3 and orientation o = 0..7:
    exp(-3.5 (f / f_s - 1)^2 - 2 pi (t + o pi / 8)^2), f_s = 0.3 / 1.85^s, the angle wrapped to -pi..pi.
    """
    frequency = torch.fft.fftfreq(2 * SIZE, device=device, dtype=torch.float64)
    rows, columns = torch.meshgrid(frequency, frequency, indexing="ij")
    radius, direction = torch.hypot(rows, columns), torch.atan2(rows, columns)
    filters = []
    for scale in range(SCALES):
        centre = 0.3 / 1.85**scale
        for orientation in range(ORIENTATIONS):
            angle = direction + orientation * math.pi / ORIENTATIONS
            angle = torch.where(angle > math.pi, angle - 2 * math.pi, angle)
            filters.append(torch.exp(-3.5 * (radius / centre - 1) ** 2 - 2 * math.pi * angle**2))
    return torch.stack(filters).float().view(SCALES, ORIENTATIONS, 2 * SIZE, 2 * SIZE)
