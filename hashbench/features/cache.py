"""The feature cache: an extractor's features of a whole data set on disk, memory-mapped and checked by checksum."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.data.decode import decoding_id
from hashbench.data.images import DECODE_CHUNK_IMAGES, on_device
from hashbench.dataset import Images, Items
from hashbench.errors import UsageError
from hashbench.features.extractor import Extractor
from hashbench.features.parts import DamagedError, Floats, Layout, PartedArray, Stamp
from hashbench.util.files import name_with_key
from hashbench.util.halving import Halving
from hashbench.util.lease import held
from hashbench.util.prefetch import prefetch
from hashbench.util.progress import Log, Progress, no_log
from hashbench.util.storage import make_folder, writing

FORMAT = "1"  # of the files; goes up when this module or parts.py changes them
MAX_BLOCK_IMAGES = 256
MAX_BLOCK_BYTES = 64 << 20  # of decoded images; a block that reaches it is closed
SECONDS_BETWEEN_SAVES = 15.0  # of an extraction: a killed process loses these and the part it was at
SECONDS_TO_SETTLE = 2.0  # a younger file is not taken for verified: clocks of file systems tick slowly


class CachedFeatures(NamedTuple):
    """Features of every item of a data set.

    Attributes:
        values: float32 or float16 [items, d], memory-mapped and read-only; NaN where an item's image is missing.
        sha256: their checksum, hexadecimal.
    """

    values: Floats
    sha256: str


class ImageItems(Protocol):
    """Images to extract from: a :class:`Dataset`, or some of its images in another form, by its methods' names."""

    title: str

    def __len__(self) -> int: ...

    def present(self) -> npt.NDArray[np.bool_]: ...  # noqa: D102 - the data set's

    def image_content(self) -> str: ...  # noqa: D102 - the data set's

    def images(self, items: Items) -> Images: ...  # noqa: D102 - the data set's


class Block(NamedTuple):
    """Decoded images of some items of a part; empty if none of the part's images is on disk."""

    part: int
    items: Items
    images: Images


def cached_features(
    dataset: ImageItems,
    dataset_name: str,
    extractor: Extractor,
    cache: Path,
    device: torch.device,
    log: Log,
    verified: dict[str, Stamp] | None = None,
) -> CachedFeatures:
    """Features of every item, from the cache or extracted now.

    They are extracted once for each content of the data set, extractor, dtype, weights and kind of device, and for each
    version of what computes them. A killed extraction continues where it was saved last; a damaged part is extracted
    again. If several processes need the same features, one extracts them and the others wait. Memory holds a few blocks
    of images.

    Args:
        dataset: gives the images; ``len(dataset)`` is their number.
        dataset_name: for the folder's name and for messages.
        extractor: what to apply.
        cache: the cache's folder, made if need be.
        device: where to extract.
        log: gets lines of progress, and what was damaged in the cache.
        verified: stamps of the files whose checksums were compared in this run, by folder; those that have not changed
            since are not read again, and what is compared now is added. None: compare in any case.

    Raises:
        UsageError: an image cannot be decoded, or the extractor's weights are missing or unfit.
        StorageError: features are missing and the cache cannot be written.
    """
    made_from = {
        "dataset": dataset_name,
        "images": dataset.image_content(),
        "extractor": extractor.name,
        "dtype": extractor.dtype,
        "weights": extractor.weights,
        "recipe": extractor.configuration,
        "format": FORMAT,
        "version": str(extractor.version),
        "device": device.type,
        "decoding": decoding_id(dataset),
    }
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache / "features" / name_with_key(f"{_safe(dataset_name)}-{_safe(extractor.name)}", key)
    verified = {} if verified is None else verified
    array = _open_checked(folder, no_log, verified)  # damage is logged below, by the process that repairs it
    if array is None or array.missing():
        with writing(make_folder(folder)), _exclusive(folder, log):
            what = f"{extractor.name} of {dataset_name}"
            array = _open_checked(folder, log, verified) or PartedArray.create(
                folder, _layout(dataset, extractor, device), made_from
            )
            if array.missing():
                _extract(dataset, extractor, array, device, lambda line: log(f"{what}: {line}"))
    return CachedFeatures(array.values(), array.sha256)


def _open_checked(folder: Path, log: Log, verified: dict[str, Stamp]) -> PartedArray | None:
    """The array in ``folder`` with its damaged parts marked as missing; None if there is no array."""
    try:
        array = PartedArray.open(folder)
    except DamagedError as error:
        log(f"features: {error}; all are made again")
        return None
    if array is None:
        return None
    stamp, checked_ns = array.stamp(), time.time_ns()
    if stamp is not None and verified.get(str(folder)) == stamp:
        return array
    damaged = array.check()
    for part in damaged:
        rows = array.layout.part(part)
        log(f"features {folder}: items {rows.start:,} to {rows.stop - 1:,} are damaged; made again")
    if stamp is not None and not damaged and checked_ns - stamp.changed_ns > SECONDS_TO_SETTLE * 1e9:
        verified[str(folder)] = stamp
    return array


def _exclusive(folder: Path, log: Log) -> AbstractContextManager[None]:
    """Hold the lease of ``folder``; waits while another process holds it."""

    def waits(holder: str) -> None:
        log(f"features {folder.name} are being extracted by {holder}; waiting for it")

    return held(folder, "extraction", {}, waits)


def _layout(dataset: ImageItems, extractor: Extractor, device: torch.device) -> Layout:
    """The layout of the features, whose width comes from extracting one image."""
    present = np.flatnonzero(dataset.present())[:1]
    if not len(present):
        raise UsageError(f"{dataset.title}: no image is on disk; run `hashbench data prepare`")
    with torch.inference_mode():
        width = extractor(on_device(dataset.images(present), device)).shape[1]
    return Layout(len(dataset), width, extractor.kept_dtype)


def _extract(dataset: ImageItems, extractor: Extractor, parts: PartedArray, device: torch.device, log: Log) -> None:
    """Extract the missing parts; a thread decodes the next block meanwhile."""
    layout, present = parts.layout, dataset.present()
    missing = {part: np.array(layout.part(part)) for part in parts.missing()}
    missing = {part: items[present[items]] for part, items in missing.items()}
    wanted, total = sum(map(len, missing.values())), int(present.sum())
    log(f"extracting {wanted:,} images" + (f", {total - wanted:,} are there" if wanted < total else ""))
    progress, halving = Progress(wanted, log), Halving("extraction", log)
    saved, ahead = time.monotonic(), prefetch(_blocks(dataset, missing))
    try:
        for part, blocks in groupby(ahead, key=lambda block: block.part):
            rows = layout.part(part)
            values = np.full((len(rows), layout.width), np.nan, dtype=layout.disk_dtype)
            for block in blocks:
                if len(block.items):
                    with torch.inference_mode():
                        features = torch.cat(halving(extractor, on_device(block.images, device)))
                    values[block.items - rows.start] = features.cpu().numpy()
                    progress.done(len(block.items))
            parts.put(part, values)
            if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                parts.save()
                saved = time.monotonic()
    finally:
        parts.save()
        ahead.close()
    log(progress.summary())


def _blocks(dataset: ImageItems, missing: dict[int, npt.NDArray[np.int64]]) -> Iterator[Block]:
    """Images of the missing parts' items in blocks of at most 256 images, or fewer if these reach 64 MiB.

    Each part begins a new block, so that its blocks do not depend on where an extraction was interrupted.
    """
    for part, items in missing.items():
        if not len(items):
            yield Block(part, items, [])
        start, block_bytes = 0, 0
        chunks: list[Images] = []
        for end in range(DECODE_CHUNK_IMAGES, len(items) + DECODE_CHUNK_IMAGES, DECODE_CHUNK_IMAGES):
            chunks.append(dataset.images(items[end - DECODE_CHUNK_IMAGES : end]))
            block_bytes += _bytes(chunks[-1])
            if block_bytes >= MAX_BLOCK_BYTES or end - start >= MAX_BLOCK_IMAGES or end >= len(items):
                yield Block(part, items[start:end], _joined(chunks))
                start, block_bytes, chunks = end, 0, []


def _bytes(images: Images) -> int:
    return images.nbytes if isinstance(images, Tensor) else sum(image.nbytes for image in images)


def _joined(chunks: list[Images]) -> Images:
    """One tensor if all images have one size, else a list of images."""
    tensors = [images for images in chunks if isinstance(images, Tensor)]
    if len(tensors) == len(chunks) and len({images.shape[1:] for images in tensors}) == 1:
        return torch.cat(tensors)
    return [image for images in chunks for image in images]


def _safe(name: str) -> str:
    """The name as part of a folder's name."""
    return re.sub(r"[^A-Za-z0-9_.@-]+", "-", name)
