"""A data set whose images spell their numbers, and an extractor that reads them: features whose truth is known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.dataset import Dataset, Images, Items, Protocol, Split
from hashbench.features.cache import CachedFeatures, cached_features
from hashbench.features.extractor import Extractor
from hashbench.features.parts import PART_ROWS, Stamp

CPU = torch.device("cpu")
COUNT = 2 * PART_ROWS + 100


class Numbered(Dataset):
    """Images of two pixels that spell the item's number; each may be made larger by copies of them."""

    title = "Numbered"
    protocols = (Protocol("all", ""),)
    source = features = ""

    def __init__(self, count: int = COUNT, absent: range = range(0), height: int = 1, contents: str = "c") -> None:
        super().__init__(Path(), self.protocols[0])
        self.count, self.absent, self.height, self.contents = count, absent, height, contents
        self.asked: list[list[int]] = []

    def __len__(self) -> int:
        return self.count

    def content(self) -> str:
        return self.contents

    def present(self) -> npt.NDArray[np.bool_]:
        return ~np.isin(np.arange(self.count), np.array(self.absent))

    def classes(self) -> tuple[str, ...]:
        return ("a",)

    def labels(self) -> npt.NDArray[np.bool_]:
        return np.ones((self.count, 1), dtype=np.bool_)

    def images(self, items: Items) -> Images:
        assert self.present()[items].all(), "an absent image was asked for"
        self.asked.append(items.tolist())
        pixels = torch.from_numpy(np.stack([items % 256, items // 256], 1)).to(torch.uint8)
        return pixels.view(-1, 1, 1, 2).repeat(1, 1, self.height, 1)

    def split(self) -> Split:
        raise NotImplementedError


class Spelling(Extractor):
    """The two pixels in the middle row as floats; counts the images it saw."""

    part = "spelling"
    version = 1

    name = "spelling"

    def __init__(self, dtype: str = "float32", weights: str | None = None, before: Callable[[int], None] | None = None):
        self.dtype, self._weights, self.before, self.seen = dtype, weights, before, 0

    @property
    def weights(self) -> str | None:
        return self._weights

    def __call__(self, images: Images) -> Tensor:
        assert isinstance(images, Tensor)
        if self.before is not None:
            self.before(self.seen)
        self.seen += len(images)
        return images[:, 0, images.shape[2] // 2].to(getattr(torch, self.kept_dtype))


def cached(
    cache: Path,
    with_extractor: Extractor,
    dataset: Dataset | None = None,
    lines: list[str] | None = None,
    verified: dict[str, Stamp] | None = None,
) -> CachedFeatures:
    logged = [] if lines is None else lines
    return cached_features(dataset or Numbered(), "numbered", with_extractor, cache, CPU, logged.append, verified)


def seen_again(cache: Path, dataset: Dataset | None = None, lines: list[str] | None = None) -> int:
    """How many images are extracted by one more call, whose features have to be right."""
    spelling = Spelling()
    assert_spelt(cached(cache, spelling, dataset, lines).values)
    return spelling.seen


def assert_spelt(values: npt.NDArray[np.floating], count: int = COUNT) -> None:
    numbers = values.astype(np.int64)
    np.testing.assert_array_equal(numbers[:, 0] + 256 * numbers[:, 1], np.arange(count))


def folder(cache: Path) -> Path:
    (only,) = (cache / "features").iterdir()
    return only
