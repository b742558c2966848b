"""Decoded images as networks read them: resized, three channels, in batches that fit a cache."""

import torch
from torch import Tensor
from torch.nn import functional

from hashbench.dataset import Dataset, Images, Items
from hashbench.util.device import batch_items, uploaded

VERSION = 1  # of decoding and resizing, by all data sets here; tests/golden says when it goes up
MAX_BATCH_IMAGES, MAX_GPU_BATCH_IMAGES = 500, 4096
# Pixels of a batch where no gradient is taken, by the device's type: a CPU is fastest while a network's feature maps
# stay in its cache (24 images of 128 px: 1,350 images/s with squeezenet1_1 on two cores, 100 images: 800).
# A GPU takes at most so many as keep it busy, and fewer where its memory is short.
BATCH_PIXELS = {"cpu": 8 * 224**2, "cuda": 256 * 224**2}
PIXEL_BYTES = 512  # that the feature maps of a pixel take on a GPU: those of two layers of 64 channels, in float32
DECODE_CHUNK_IMAGES = 16  # decoded at a time: images as large as a camera's must not fill the memory


def resize(images: Images, size: int) -> Tensor:
    """Uint8 [n, c, size, size] of uint8 [n, c, h, w]: bilinear, antialiased; unchanged if they have that size.

    Images in a list, [c, h, w] of different sizes, are resized one by one, and get three channels if they are grey.
    """
    if isinstance(images, list):
        return torch.cat([three_channels(resize(image.unsqueeze(0), size)) for image in images])
    if images.shape[-2:] == (size, size):
        return images
    floats = functional.interpolate(images.float(), (size, size), mode="bilinear", antialias=True, align_corners=False)
    return floats.round_().clamp_(0, 255).to(torch.uint8)


def batch_pixels(device: torch.device) -> int:
    """Number of pixels in a batch where no gradient is taken."""
    return batch_items(device, BATCH_PIXELS.get(device.type, BATCH_PIXELS["cuda"]), PIXEL_BYTES)


def image_batch(size: int, device: torch.device) -> int:
    """Number of images of ``size`` px in a batch where no gradient is taken, 1 to 500, on a GPU to 4,096."""
    most = MAX_GPU_BATCH_IMAGES if device.type == "cuda" else MAX_BATCH_IMAGES
    return max(1, min(most, batch_pixels(device) // size**2))


def three_channels(images: Tensor) -> Tensor:
    """[n, 3, h, w] of [n, c, h, w]: grey is repeated, three channels stay."""
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Float32 images in channels-last order, as an encoder reads them, of uint8 [n, 3, h, w].

    Args:
        images: uint8.
        mean: [1, 3, 1, 1], of images in [0, 1].
        std: likewise.
    """
    # Channels last: on a CPU the small encoder trains 1.4 to 1.8 times as fast, most of it in max-pooling, and
    # squeezenet1_1 four times. A product and a sum in place are 13 times as fast as (images / 255 - mean) / std.
    floats = images.contiguous(memory_format=torch.channels_last).float()
    return floats.mul_(1 / (255 * std)).sub_(mean / std)


def of_one_size(images: Images) -> Tensor | None:
    """Images that all have one size as one tensor, a list with three channels; None where sizes differ."""
    if isinstance(images, Tensor):
        return images
    if len({image.shape[-2:] for image in images}) != 1:
        return None
    return torch.cat([three_channels(image.unsqueeze(0)) for image in images])


def on_device(images: Images, device: torch.device) -> Images:
    """The same images on ``device``."""
    if isinstance(images, Tensor):
        return uploaded(images, device)
    return [uploaded(image, device) for image in images]


class ImageSource:
    """The images of some items of a data set, decoded and resized when they are read.

    ``source[rows]`` is uint8 [len(rows), 3, size, size] on the device of ``rows``.
    """

    def __init__(self, dataset: Dataset, items: Items, size: int) -> None:
        self.dataset, self.items, self.size = dataset, items, size

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, rows: Tensor) -> Tensor:
        images = torch.empty(len(rows), 3, self.size, self.size, dtype=torch.uint8, device=rows.device)
        items = self.items[rows.cpu().numpy()]
        for start in range(0, len(items), DECODE_CHUNK_IMAGES):
            chunk = on_device(self.dataset.images(items[start : start + DECODE_CHUNK_IMAGES]), rows.device)
            resized = resize(chunk, self.size)
            images[start : start + DECODE_CHUNK_IMAGES] = resized  # grey images are broadcast to three channels
        return images

    def load_all(self, device: torch.device) -> Tensor:
        """All images as one tensor on ``device``."""
        return self[torch.arange(len(self), device=device)]
