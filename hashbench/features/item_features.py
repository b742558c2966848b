"""The features of every item of a data set: its vectors, or what an extractor makes of its images."""

from pathlib import Path
from typing import NamedTuple

import torch

from hashbench.dataset import Dataset, Vectors
from hashbench.features.cache import cached_features
from hashbench.features.extractor import Extractor
from hashbench.features.parts import Floats, Stamp
from hashbench.util.progress import Log


class ItemFeatures(NamedTuple):
    """Features of every item of a data set.

    Attributes:
        values: float32 or float16 [items, d], memory-mapped; of a data set without images its vectors, as they are.
        sha256: their checksum, hexadecimal.
    """

    values: Floats | Vectors
    sha256: str


def item_features(
    dataset: Dataset,
    dataset_name: str,
    extractor: Extractor,
    cache: Path,
    device: torch.device,
    log: Log,
    verified: dict[str, Stamp] | None = None,
) -> ItemFeatures:
    """The features of a data set; those of images by :func:`hashbench.features.cache.cached_features`, which see."""
    vectors = dataset.vectors()
    if vectors is not None:
        return ItemFeatures(vectors, dataset.content())
    return ItemFeatures(*cached_features(dataset, dataset_name, extractor, cache, device, log, verified))
