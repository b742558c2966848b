"""Images as methods get them: decoded, resized, with three channels."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hashbench.data.decode import decode
from hashbench.data.images import ImageSource
from hashbench.data.spec import open_dataset
from hashbench.dataset import Images, Items
from tests.golden.golden import add
from tests.golden.inputs import stored, stored_file, stored_files
from tests.golden.values import Exact, Pixels, Result, array_of

OWN_SIZES = ("wide", "tall", "odd", "small", "strip")


class Pictures:
    """As much of a data set as decoding asks for: images of one size, or of many."""

    def __init__(self, images: Images) -> None:
        self.all = images

    def images(self, items: Items) -> Images:
        """See :class:`hashbench.dataset.Dataset`."""
        chosen = [self.all[item] for item in items.tolist()]
        return torch.stack(chosen) if isinstance(self.all, Tensor) else chosen


def source(images: Images, size: int) -> dict[str, Result]:
    """Images at ``size``, in another order than they are in."""
    items = np.arange(len(images))[::-1].copy()
    resized = ImageSource(Pictures(images), items, size).load_all(torch.device("cpu"))  # type: ignore[arg-type]
    return {"images": Pixels(array_of(resized))}


def colour(size: int) -> dict[str, Result]:
    """Three channels, 32 px."""
    return source(stored("images")[:4], size)


def grey(size: int) -> dict[str, Result]:
    """One channel, 8 px."""
    return source(stored("digits")[:, None] * 15, size)


def own_sizes(size: int) -> dict[str, Result]:
    """Of different sizes, grey ones among them."""
    return source([stored(name) for name in OWN_SIZES], size)


def digits() -> dict[str, Result]:
    """Scikit-learn's 0..16 as 0..255."""
    images = open_dataset("digits", Path()).images(np.arange(12))
    assert isinstance(images, Tensor)
    assert torch.equal(images[:, 0], (stored("digits").double() * (255 / 16)).round().to(torch.uint8))
    return {"images": Exact(array_of(images))}


def decoded() -> dict[str, Result]:
    """Image files of several kinds, in their own sizes."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in stored_files()]
        for file in files:
            file.write_bytes(stored_file(file.name))
        return {file.name: Pixels(array_of(image)) for file, image in zip(files, decode(files), strict=True)}


for side in (32, 20, 47):
    add(f"images/colour-{side}", partial(colour, side), "images")
for side in (8, 5, 32):
    add(f"images/grey-{side}", partial(grey, side), "images")
for side in (17, 32, 64):
    add(f"images/own-sizes-{side}", partial(own_sizes, side), "images")
add("images/digits", digits, "images")
add("images/decoded", decoded, "images")
