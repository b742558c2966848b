"""The base class of data sets whose items are image files: finds, decodes and checksums them."""

import hashlib
from abc import abstractmethod
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.data.checksums import cached_checksums
from hashbench.data.decode import decode
from hashbench.data.image_tree import NearMiss, near_misses
from hashbench.dataset import Dataset, Items
from hashbench.util.paths import cache_root


class ImageFileDataset(Dataset):
    """A data set of image files, some of which may be missing on disk."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The folder that the items' paths are relative to."""

    @abstractmethod
    def files(self) -> list[str | None]:
        """Each item's path relative to :attr:`folder`, None where the file is missing. Called once."""

    @abstractmethod
    def list_bytes(self) -> bytes:
        """Bytes that change with the list of items or the labels of any protocol; hashed into :meth:`content`.

        Raises:
            UsageError: a file of labels is damaged or not as published; the message names it.
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

    def near_misses(self) -> list[NearMiss]:
        """Likely reasons why images are missing, with the number of images of each; walks through the folder."""
        missing = self.names(np.flatnonzero(~self.present()).astype(np.int64))
        return near_misses(self.folder, missing, {file for file in self._files if file is not None})

    def images(self, items: Items) -> list[Tensor]:
        """Uint8 [channels, h, w] each; see :func:`hashbench.data.decode.decode`."""
        return decode([self.folder / (self._files[item] or _absent(item)) for item in items.tolist()])

    def content(self) -> str:
        """Checksum of :meth:`list_bytes` and of every item's file, or its absence; the same in every folder layout.

        The checksums of the files are cached; see :func:`hashbench.data.checksums.cached_checksums`.
        """
        return self._content

    def image_content(self) -> str:
        """Checksum of all items' files in their order, missing files included."""
        return self._image_content

    def image_sums(self) -> list[str | None] | None:
        """Checksum of each item's file, None where missing; None for a class that makes images in its own way."""
        return self._sums if type(self).images is ImageFileDataset.images else None

    @cached_property
    def _content(self) -> str:
        return hashlib.sha256(self.list_bytes() + self._image_content.encode()).hexdigest()

    @cached_property
    def _image_content(self) -> str:
        total = hashlib.sha256()
        for sum_ in self._sums:
            total.update(f"{sum_ or ''}\n".encode())
        return total.hexdigest()

    @cached_property
    def _sums(self) -> list[str | None]:
        on_disk = [file for file in self._files if file is not None]
        sums = dict(zip(on_disk, cached_checksums(self.folder, on_disk, cache_root(), self.log), strict=True))
        return [None if file is None else sums[file] for file in self._files]


def _absent(item: int) -> str:
    raise ValueError(f"item {item} has no image on disk")
