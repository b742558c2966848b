"""Images as methods see them: uint8, three channels, at the size they ask for."""

import torch
from torch import Tensor
from torch.nn import functional

from hashbench.dataset import Dataset, Images, Items

LARGEST_BATCH = 500
# Pixels of images that a network reads at a time where no gradient is taken: a CPU is fastest where a network's maps
# stay in its cache (24 images of 128 px: 1,350 images/s with squeezenet1_1 on two cores, 100 images: 800).
BATCH_PIXELS = {"cpu": 8 * 224**2, "cuda": 256 * 224**2}
DECODED = 16  # images at a time in their own sizes, which may be those of a camera


def resize(images: Images, size: int) -> Tensor:
    """Uint8 [n, c, size, size]: bilinear, antialiased, of uint8 [n, c, h, w]; unchanged where the size fits.

    Of a list of images of different sizes each is resized by itself; grey ones among them get three channels.
    """
    if isinstance(images, list):
        return torch.cat([three_channels(resize(image.unsqueeze(0), size)) for image in images])
    if images.shape[-2:] == (size, size):
        return images
    floats = functional.interpolate(images.float(), (size, size), mode="bilinear", antialias=True, align_corners=False)
    return floats.round_().clamp_(0, 255).to(torch.uint8)


def image_batch(size: int, device: torch.device) -> int:
    """How many images of ``size`` px a network reads at a time where no gradient is taken, 1 to 500."""
    return max(1, min(LARGEST_BATCH, BATCH_PIXELS.get(device.type, BATCH_PIXELS["cuda"]) // size**2))


def three_channels(images: Tensor) -> Tensor:
    """Grey [n, 1, h, w] repeated to [n, 3, h, w]; three channels stay."""
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def on_device(images: Images, device: torch.device) -> Images:
    """The same images on ``device``."""
    return images.to(device) if isinstance(images, Tensor) else [image.to(device) for image in images]


class ImageSource:
    """The images of some items of a data set, decoded and resized when asked for.

    ``source[rows]`` is uint8 [len(rows), 3, size, size] on the device of ``rows``.
    """

    def __init__(self, dataset: Dataset, items: Items, size: int) -> None:
        self.dataset, self.items, self.size = dataset, items, size

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, rows: Tensor) -> Tensor:
        images = torch.empty(len(rows), 3, self.size, self.size, dtype=torch.uint8, device=rows.device)
        items = self.items[rows.cpu().numpy()]
        for start in range(0, len(items), DECODED):
            few = on_device(self.dataset.images(items[start : start + DECODED]), rows.device)
            images[start : start + DECODED] = resize(few, self.size)  # grey ones fill all three channels
        return images

    def held(self, device: torch.device) -> Tensor:
        """All of them as one tensor on ``device``."""
        return self[torch.arange(len(self), device=device)]
