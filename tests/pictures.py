"""Images of data sets whose images have one size."""

from torch import Tensor

from hashbench.dataset import Dataset, Items


def pictures(dataset: Dataset, items: Items) -> Tensor:
    """Uint8 [n, c, h, w]."""
    images = dataset.images(items)
    assert isinstance(images, Tensor)
    return images
