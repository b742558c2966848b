"""Maps of the blocks of a network that a method leaves as they are: of training images in their views, and to encode.

A trial keeps them on disk, where they serve all code lengths, seeds and variants.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.data.decode import decoding_id
from hashbench.data.images import ImageSource, image_batch
from hashbench.dataset import Dataset, Items
from hashbench.features.cache import ImageItems, cached_features
from hashbench.features.frozen_maps import FrozenMaps
from hashbench.features.parts import Floats, Stamp
from hashbench.method import Backbone, FrozenPart, ImageBatches
from hashbench.nets.augmentation import Augmentation, constant_views
from hashbench.nets.encoders import build_encoder
from hashbench.util.device import held_bytes, repeatable, uploaded
from hashbench.util.progress import Log

DEVICE_CACHE_BYTES = 4 << 30  # maps of all training images in all views that are held, on a GPU more


class TrainingMaps:
    """Maps of training images in their views, as :class:`hashbench.method.MapBatches` has them.

    Held on the device where all fit in 4 GiB, or in a third of a GPU's free memory, else read from where they are,
    batch by batch.

    Args:
        views: float16 [n, c * h * w] of each view, in memory or memory-mapped.
        rows: int64 [n], the training images' rows in the first view; in the others they are 0 to n - 1.
        shape: [c, h, w].
        affine_params: [views, n, 3], how each view was drawn.
        device: where batches are wanted.
    """

    def __init__(
        self, views: Sequence[Floats], rows: Items, shape: torch.Size, affine_params: Tensor, device: torch.device
    ) -> None:
        self.views, self.rows, self.shape, self.device = views, rows, shape, device
        self.affine_params = affine_params
        size = len(views) * len(rows) * shape.numel() * 2
        self.held = self._gather_all() if size <= held_bytes(device, DEVICE_CACHE_BYTES) else None

    def __len__(self) -> int:
        return len(self.rows)

    def __call__(self, rows: Tensor, view_ids: Tensor) -> Tensor:
        """Float16 [B, c, h, w] of the images ``rows`` in the views ``view_ids``, int64 [B] each on the device."""
        if self.held is not None:
            return _maps(self.held[view_ids * len(self) + rows], self.shape)
        maps = np.empty((len(rows), self.shape.numel()), dtype=np.float16)
        wanted, of_view = rows.cpu().numpy(), view_ids.cpu().numpy()
        for view, values in enumerate(self.views):
            here = of_view == view
            maps[here] = values[self._in(view)[wanted[here]]]
        return _maps(uploaded(torch.from_numpy(maps), self.device), self.shape)

    def _in(self, view: int) -> Items:
        return self.rows if view == 0 else np.arange(len(self.rows))

    def _gather_all(self) -> Tensor:
        held = torch.empty(len(self.views) * len(self), self.shape.numel(), dtype=torch.float16, device=self.device)
        for view, values in enumerate(self.views):
            for part in np.array_split(np.arange(len(self)), max(1, len(self) // 1024)):
                start = view * len(self) + int(part[0])
                held[start : start + len(part)] = torch.from_numpy(values[self._in(view)[part]])
        return held


def _maps(flat: Tensor, shape: torch.Size) -> Tensor:
    maps = flat.view(len(flat), *shape)
    return maps.contiguous(memory_format=torch.channels_last) if maps.ndim == 4 else maps


class CachedMaps:
    """Maps of a data set's images, from the cache or computed now.

    Args:
        dataset: gives the images.
        dataset_name: for the folders' names and for messages.
        train: the training items, whose maps are wanted in all views, each view a file of its own.
        part: which blocks of which network, and the views of training images.
        extractor: of its maps.
        cache: the cache's folder.
        device: where they are computed and wanted.
        log: gets lines of progress.
        verified: stamps of files that were compared in this run, by folder.

    Raises:
        UsageError: an image cannot be decoded, or weights are missing.
        StorageError: maps are missing and the cache cannot be written.
    """

    def __init__(
        self,
        dataset: Dataset,
        dataset_name: str,
        train: Items,
        part: FrozenPart,
        extractor: FrozenMaps,
        cache: Path,
        device: torch.device,
        log: Log,
        verified: dict[str, Stamp],
    ) -> None:
        self.shape, self.device = extractor.shape(device), device

        def cached(images: ImageItems, name: str) -> Floats:
            return cached_features(images, name, extractor, cache, device, log, verified).values

        self.values = cached(dataset, dataset_name)
        params = constant_views(len(dataset), part.views, part.flip, part.shift)[:, torch.from_numpy(train)]
        views = [self.values]
        for view in range(1, part.views):
            of_view = ViewedImages(dataset, train, extractor.inputs.size, params[view])
            views.append(cached(of_view, f"{dataset_name}-view-{view}"))
        self.training = TrainingMaps(views, train, self.shape, params.to(device), device)

    def of(self, items: Items) -> Tensor:
        """Float16 [n, c, h, w] of the items' images on the device."""
        return _maps(uploaded(torch.from_numpy(self.values[items]), self.device), self.shape)


class ViewedImages:
    """One view of some items' images as the feature cache reads them; its items are numbered 0 to n - 1.

    Args:
        dataset: whose items they are.
        items: int64 [n].
        size: side in pixels that images are resized to before the view is taken.
        affine_params: [n, 3], as :class:`hashbench.nets.augmentation.Augmentation` has them.
    """

    def __init__(self, dataset: Dataset, items: Items, size: int, affine_params: Tensor) -> None:
        self.title, self.dataset, self.items, self.size = dataset.title, dataset, items, size
        self.affine_params = affine_params

    def __len__(self) -> int:
        return len(self.items)

    def present(self) -> npt.NDArray[np.bool_]:
        """Bool [n], all: training items are."""
        return np.ones(len(self), dtype=np.bool_)

    def image_content(self) -> str:
        """Checksum of the images, of which items they are and of how the view was drawn."""
        parts = [self.dataset.image_content(), decoding_id(self.dataset), str(self.size)]
        digest = hashlib.sha256(json.dumps(parts).encode())
        digest.update(self.items.tobytes())
        digest.update(self.affine_params.numpy().tobytes())
        return digest.hexdigest()

    def images(self, items: Items) -> Tensor:
        """Uint8 [n, 3, size, size] of the rows ``items`` in this view, on the CPU."""
        source = ImageSource(self.dataset, self.items[items], self.size)
        return view_of(source, torch.arange(len(items)), self.affine_params[torch.from_numpy(items)])


def view_of(images: ImageBatches, rows: Tensor, affine_params: Tensor) -> Tensor:
    """The images ``rows`` in the view that ``affine_params`` [B, 3] describes."""
    params = torch.stack([torch.zeros_like(affine_params), affine_params])  # of two views, the second is wanted
    augmentation = Augmentation(params, torch.Generator(), rows.device)
    return augmentation(images[rows], torch.arange(len(rows), device=rows.device), torch.ones_like(rows))


def computed_maps(
    images: ImageBatches, part: FrozenPart, backbones: Callable[[str], Backbone], device: torch.device
) -> TrainingMaps:
    """Maps of images in memory, uint8 [n, 3, size, size], in all views, computed now.

    Raises:
        Incompatible: the network cannot be cut there.
        LookupError: ``backbones`` has no such network.
    """
    encoder = build_encoder(part.network, backbones).to(device)
    encoder.freeze(part.blocks)
    n, views = len(images), []
    params = constant_views(n, part.views, part.flip, part.shift).to(device)
    chunks = torch.split(torch.arange(n, device=device), image_batch(encoder.size, device))
    with torch.inference_mode(), repeatable():
        for view in range(part.views):
            maps = torch.cat([encoder.inputs(view_of(images, rows, params[view, rows])) for rows in chunks])
            views.append(maps.flatten(1).cpu().numpy())
    return TrainingMaps(views, np.arange(n), maps.shape[1:], params, device)
