"""Data sets in memory with one class for each item."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.data.single_label import SingleLabelDataset
from hashbench.dataset import Protocol, Split


class Shades(SingleLabelDataset):
    """Four images of one pixel."""

    title, source, features = "shades", "made here", "pixels"
    protocols = (Protocol("only", "all"),)
    class_names = ("dark", "light", "white")
    reads = 0

    def load(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        self.reads += 1
        return np.array([9, 200, 10, 201], dtype=np.uint8).reshape(4, 1, 1, 1), np.array([0, 1, 0, 1])

    def content(self) -> str:
        return "shades"

    def split(self) -> Split:
        raise NotImplementedError


def test_labels_images_and_names_come_from_one_read() -> None:
    shades = Shades(Path(), Shades.protocols[0])
    assert len(shades) == 4
    assert shades.classes() == ("dark", "light", "white")
    assert shades.labels().tolist() == [[True, False, False], [False, True, False]] * 2
    assert shades.images(np.array([3, 0])).tolist() == [[[[201]]], [[[9]]]]
    assert shades.reads == 1
