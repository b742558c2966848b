"""Data sets whose items are image files: presence, decoding and content in one place."""

import hashlib
from abc import abstractmethod
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.data.checksums import remembered_sums
from hashbench.data.decode import decode
from hashbench.dataset import Dataset, Items
from hashbench.util.paths import cache_root


class ImageFileDataset(Dataset):
    """A data set of image files, some of which may be missing on disk."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The folder that the items' paths begin at."""

    @abstractmethod
    def files(self) -> list[str | None]:
        """Each item's path relative to :attr:`folder`, None where it is not on disk. Called once."""

    @abstractmethod
    def described(self) -> bytes:
        """What the list of items and the labels of all protocols are made from; part of :meth:`content`.

        Raises:
            UsageError: a file on disk is not what it should be; the message names it.
        """

    @cached_property
    def _files(self) -> list[str | None]:
        return self.files()

    def __len__(self) -> int:
        return len(self._files)

    def present(self) -> npt.NDArray[np.bool_]:
        """Bool [items]: whose file is on disk."""
        return np.array([file is not None for file in self._files], dtype=np.bool_)

    def names(self, items: Items) -> list[str]:
        """Their paths relative to :attr:`folder`."""
        return [self._files[item] or f"item {item}" for item in items.tolist()]

    def images(self, items: Items) -> list[Tensor]:
        """Uint8 [channels, h, w] each; see :func:`hashbench.data.decode.decode`."""
        return decode([self.folder / (self._files[item] or _absent(item)) for item in items.tolist()])

    def content(self) -> str:
        """Sum over :meth:`described` and the bytes of every item's file, or its absence; the same in every layout.

        The sums of the files are remembered in the cache; see :func:`hashbench.data.checksums.remembered_sums`.
        """
        return self._content

    def image_content(self) -> str:
        """Sum over the bytes of all items' files in their order, the absent ones included."""
        return self._image_content

    @cached_property
    def _content(self) -> str:
        return hashlib.sha256(self.described() + self._image_content.encode()).hexdigest()

    @cached_property
    def _image_content(self) -> str:
        total = hashlib.sha256()
        on_disk = [file for file in self._files if file is not None]
        sums = dict(zip(on_disk, remembered_sums(self.folder, on_disk, cache_root(), self.log), strict=True))
        for file in self._files:
            total.update(f"{sums[file]}\n".encode() if file is not None else b"\n")
        return total.hexdigest()


def _absent(item: int) -> str:
    raise ValueError(f"item {item} has no image on disk")
