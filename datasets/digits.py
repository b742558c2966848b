"""Digits: 1,797 real handwritten digits of 8x8 grey pixels, shipped with scikit-learn. The default data set."""

import hashlib
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.data.single_label import SingleLabelDataset
from hashbench.data.splits import all_but, draw_per_class
from hashbench.dataset import Protocol, Split

QUERIES_PER_CLASS = 20
SPLIT_SEED = 1797
FILE = "sklearn/datasets/data/digits.csv.gz"  # a row per digit: 64 grey values, class


class Digits(SingleLabelDataset):
    """The digits, with grey values 0..16 scaled to 0..255."""

    title = "digits"
    source = "UCI optical recognition of handwritten digits (Alpaydin and Kaynak 1998), CC BY 4.0, by scikit-learn"
    protocols = (Protocol("holdout-200", "200 queries, 20 per class; the other 1,597 are database and training set"),)
    features = "pixels"
    class_names = tuple(str(digit) for digit in range(10))

    def load(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        values, classes = _values_and_classes()
        images = np.round(values.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
        return images, classes.astype(np.int64)

    def content(self) -> str:
        images, classes = self.arrays
        return hashlib.sha256(images.tobytes() + classes.astype("<i8").tobytes()).hexdigest()

    def split(self) -> Split:
        classes = self.class_numbers()
        rng = np.random.default_rng(SPLIT_SEED)
        query = draw_per_class(classes, QUERIES_PER_CLASS, rng)
        rest = rng.permutation(all_but(len(classes), query))
        return Split(train=rest, query=query, database=rest)


def _values_and_classes() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Float [n, 64] and [n], from scikit-learn's file: importing its reader takes a second, in each trial."""
    file = Path(str(distribution("scikit-learn").locate_file(FILE)))
    if file.is_file():
        table = np.loadtxt(file, delimiter=",")
        return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits  # a scikit-learn that keeps its file elsewhere

    bunch = load_digits()
    return bunch.data, bunch.target
