"""Data sets in memory whose items have one class each."""

from abc import abstractmethod
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.dataset import Dataset, Items


class SingleLabelDataset(Dataset):
    """Images of one size, held in memory once they are needed, and a class for each.

    Attributes:
        class_names: names of the classes, by their number.
    """

    class_names: ClassVar[tuple[str, ...]]

    @abstractmethod
    def load(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """All images, uint8 [items, channels, h, w], and the numbers of their classes, int64 [items]; called once."""

    @cached_property
    def arrays(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The images and class numbers that :meth:`load` returned."""
        return self.load()

    def __len__(self) -> int:
        return len(self.class_numbers())

    def classes(self) -> tuple[str, ...]:
        """:attr:`class_names`."""
        return self.class_names

    def class_numbers(self) -> npt.NDArray[np.int64]:
        """The class of each item, int64 [items]."""
        return self.arrays[1]

    def labels(self) -> npt.NDArray[np.bool_]:
        """Bool [items, classes], one True in each row."""
        return np.eye(len(self.class_names), dtype=np.bool_)[self.class_numbers()]

    def images(self, items: Items) -> Tensor:
        """Uint8 [n, channels, h, w]."""
        return torch.from_numpy(self.arrays[0][items])
