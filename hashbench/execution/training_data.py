"""Fits a method to a protocol's data and encodes it: batching, packing, moving between devices."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.data.images import ImageSource, image_batch
from hashbench.dataset import Dataset, Items, Vectors
from hashbench.execution.frozen_maps import CachedMaps
from hashbench.method import HashMethod, ImageBatches, MapBatches, RunContext, TrainingSet, Traits
from hashbench.util.device import batch_items, held_bytes, repeatable, uploaded
from hashbench.util.halving import Halving
from hashbench.util.prefetch import prefetch_to
from hashbench.util.progress import Log, no_log
from hashbench.util.seeds import derive_seed, forked_generators

CPU = torch.device("cpu")
FEATURE_BATCH, GPU_FEATURE_BATCH = 500, 1 << 16  # rows of features encoded at a time
ROW_BYTES = 1 << 16  # of a row on a GPU: 4,096 numbers, in float32 and in float64, and what is computed of them
MAX_CACHED_IMAGE_BYTES = 4 << 30
CHECKED_NUMBERS = 1 << 24  # of features, tested for NaN at a time


def training_set(
    traits: Traits,
    features: Callable[[], Tensor],
    images: Callable[[], ImageBatches],
    labels: Callable[[], Tensor],
    maps: MapBatches | None = None,
) -> TrainingSet:
    """The training data that the traits ask for; nothing else is computed."""
    on_images = traits.input == "images"
    return TrainingSet(
        given_features=features() if not on_images or traits.wants_features else None,
        given_images=images() if on_images else None,
        given_labels=labels() if traits.supervised else None,
        given_maps=maps,
    )


def rows_per_batch(method: HashMethod, size: int, device: torch.device) -> int:
    """How many items are encoded at a time; ``size`` is the side of the images in pixels."""
    return image_batch(size, device) if method.traits.input == "images" else feature_batch(device)


def feature_batch(device: torch.device) -> int:
    """How many rows of features are encoded at a time."""
    return batch_items(device, GPU_FEATURE_BATCH, ROW_BYTES) if device.type == "cuda" else FEATURE_BATCH


@dataclass(frozen=True)
class TrainingData:
    """The data of a trial for its method: features of all items (on disk, read row by row), images, labels.

    ``maps`` are those of the blocks of a network that the method leaves as they are, where there are any.
    """

    dataset: Dataset
    features: npt.NDArray[np.floating[Any]] | Vectors
    labels: npt.NDArray[np.bool_]
    maps: CachedMaps | None = None

    def feature_rows(self, items: Items, device: torch.device) -> Tensor:
        """Float32 [n, d] on ``device``."""
        return torch.from_numpy(np.asarray(self.features[items], dtype=np.float32)).to(device)

    def images(self, items: Items, size: int, device: torch.device) -> ImageBatches:
        """Images at ``size``: held on ``device`` when they fit, else decoded batch by batch.

        They fit in 4 GiB, or in a third of a GPU's free memory.
        """
        source = ImageSource(self.dataset, items, size)
        fits = len(items) * 3 * size * size <= held_bytes(device, MAX_CACHED_IMAGE_BYTES)
        return source.load_all(device) if fits else source

    def training_set(self, method: HashMethod, items: Items, run: RunContext) -> TrainingSet:
        """The training data of ``items`` that the method's traits ask for."""
        return training_set(
            method.traits,
            lambda: self.feature_rows(items, run.device),
            lambda: self.images(items, method.image_size(run.features), run.device),
            lambda: torch.from_numpy(self.labels[items]).to(run.device),
            self.maps.training if self.maps is not None else None,
        )

    def batches(self, method: HashMethod, items: Items, run: RunContext) -> Iterator[Tensor]:
        """The input of ``encode`` for ``items``, batch by batch, on the run's device; one is prefetched.

        On a GPU that runs beside the encoding of the one before.

        Where there are maps of frozen blocks, these are the input, of ``encode_maps``.
        """
        return prefetch_to(self._batches(method, items, run), run.device)

    def _batches(self, method: HashMethod, items: Items, run: RunContext) -> Iterator[Tensor]:
        on_images = method.traits.input == "images"
        size = method.image_size(run.features) if on_images else 0
        step = rows_per_batch(method, size, run.device)
        for start in range(0, len(items), step):
            part = items[start : start + step]
            if self.maps is not None:
                yield self.maps.of(part)
            elif on_images:
                yield ImageSource(self.dataset, part, size)[torch.arange(len(part), device=run.device)]
            else:
                yield uploaded(self.feature_rows(part, CPU), run.device)


def own_generator(seed: int) -> torch.Generator:
    """The run's own generator, on the CPU; its stream is not that of the global ones."""
    return torch.Generator().manual_seed(derive_seed(seed, "run"))


def fit(method: HashMethod, train: TrainingSet, run: RunContext, seed: int) -> HashMethod:
    """Fit with the global generators forked and seeded, so that layers may draw from them.

    Raises:
        ValueError: the features contain NaN or infinite values.
    """
    if train.given_features is not None and not is_finite(train.given_features):
        raise ValueError("features contain NaN or infinite values")
    with forked_generators(derive_seed(seed, "global"), run.device), repeatable():
        return method.fit(train, run)


def is_finite(features: Tensor) -> bool:
    """Whether all numbers are; some rows at a time, since the test takes more memory than they do."""
    rows = max(1, CHECKED_NUMBERS // max(1, features.shape[1]))
    return all(bool(part.isfinite().all()) for part in torch.split(features, rows))


def encode(method: HashMethod, batches: Iterator[Tensor], of_maps: bool = False, log: Log = no_log) -> Codes:
    """Packed codes of all batches, which are maps of the method's frozen part if ``of_maps``.

    Batches that the device's memory does not hold are halved, which ``log`` gets a line about.

    Raises:
        ValueError: the method returns something else than bool [n, bits].
    """
    packed, halving = [], Halving("encoding", log)

    def checked(batch: Tensor) -> Tensor:
        bits = method.encode_maps(batch) if of_maps else method.encode(batch)
        if bits.dtype != torch.bool or tuple(bits.shape) != (len(batch), method.bits):
            raise ValueError(
                f"{type(method).__name__}.encode gave {bits.dtype} {list(bits.shape)}, "
                f"wanted torch.bool [{len(batch)}, {method.bits}]"
            )
        return bits

    with torch.inference_mode(), repeatable():
        for batch in batches:
            packed += [Codes.pack(bits).packed for bits in halving(checked, batch)]
    return Codes(np.concatenate(packed), method.bits)
