"""Digits: 1,797 real handwritten digits of 8x8 grey pixels, shipped with scikit-learn. The default data set."""

import hashlib
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from hashbench.data.splits import all_but, draw_per_class
from hashbench.dataset import Dataset, Items, Protocol, Split

QUERIES_PER_CLASS = 20
SPLIT_SEED = 1797
CLASSES = tuple(str(digit) for digit in range(10))


class Digits(Dataset):
    """Grey values 0..16 become 0..255."""

    title = "digits"
    source = "UCI optical recognition of handwritten digits (Alpaydin and Kaynak 1998), CC BY 4.0, by scikit-learn"
    protocols = (Protocol("holdout-200", "200 queries, 20 per class; the other 1,597 are database and training set"),)
    features = "pixels"

    @cached_property
    def _loaded(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        bunch = load_digits()
        return np.round(bunch.images * (255 / 16)).astype(np.uint8), bunch.target.astype(np.int64)

    def content(self) -> str:
        images, classes = self._loaded
        return hashlib.sha256(images.tobytes() + classes.astype("<i8").tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self._loaded[1])

    def classes(self) -> tuple[str, ...]:
        return CLASSES

    def labels(self) -> npt.NDArray[np.bool_]:
        return np.eye(len(CLASSES), dtype=np.bool_)[self._loaded[1]]

    def images(self, items: Items) -> Tensor:
        return torch.from_numpy(self._loaded[0][items]).unsqueeze(1)

    def split(self) -> Split:
        classes = self._loaded[1]
        rng = np.random.default_rng(SPLIT_SEED)
        query = draw_per_class(classes, QUERIES_PER_CLASS, rng)
        rest = rng.permutation(all_but(len(classes), query))
        return Split(train=rest, query=query, database=rest)
