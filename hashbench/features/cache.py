"""The feature cache: what an extractor answers for a whole data set, on disk, memory-mapped, checked by sum."""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.data.decode import decoding_sources
from hashbench.data.images import DECODED, on_device
from hashbench.dataset import Dataset, Images, Items, Log
from hashbench.errors import UsageError
from hashbench.features.extractor import Extractor
from hashbench.features.parts import DamagedError, Floats, Layout, PartedArray
from hashbench.util.files import file_sum
from hashbench.util.prefetch import prefetch
from hashbench.util.progress import Progress, no_log

FORMAT = "1"  # of what is kept; goes up when this module or parts.py changes what it keeps
LARGEST_BLOCK = 256  # images
BLOCK_BYTES = 64 << 20  # of decoded images, after which a block takes no more


class CachedFeatures(NamedTuple):
    """Features of every item of a data set.

    Attributes:
        values: float32 or float16 [items, d], memory-mapped and read-only; NaN where an item's image is missing.
        sha256: their checksum.
    """

    values: Floats
    sha256: str


class Block(NamedTuple):
    """Decoded images of some items of a part; none where the part has no image on disk."""

    part: int
    items: Items
    images: Images


def cached_features(
    dataset: Dataset, dataset_name: str, extractor: Extractor, cache: Path, device: torch.device, log: Log
) -> CachedFeatures:
    """Features of every item.

    They are extracted once for each data set content, extractor, dtype, weights and source of the code that makes them.
    An extraction that was killed goes on after its last whole part; a damaged part is made again. Of processes that
    need the same at once, one extracts and the others wait. Memory is bounded by a few blocks of images.

    Args:
        dataset: gives the images; ``len(dataset)`` is their number.
        dataset_name: for the folder's name and for messages.
        extractor: what to apply.
        cache: the cache's folder, made if need be.
        device: where to extract.
        log: gets lines of progress and what was wrong with the kept features.

    Raises:
        UsageError: an image cannot be decoded, or the extractor's weights are missing or unfit.
    """
    made_from = {
        "dataset": dataset_name,
        "images": dataset.image_content(),
        "extractor": extractor.name,
        "dtype": extractor.dtype,
        "weights": extractor.weights,
        "recipe": extractor.recipe,
        "format": FORMAT,
        "source": source_sum(dataset, extractor),
    }
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache / "features" / f"{_safe(dataset_name)}-{_safe(extractor.name)}-{key}"
    kept = _kept(folder, no_log)  # what a first look finds is said when it is dealt with
    if kept is None or kept.missing():
        folder.mkdir(parents=True, exist_ok=True)
        with _only_one(folder, log):
            what = f"{extractor.name} of {dataset_name}"
            kept = _kept(folder, log) or PartedArray.create(folder, _layout(dataset, extractor, device), made_from)
            if kept.missing():
                _extract(dataset, extractor, kept, device, lambda line: log(f"{what}: {line}"))
    return CachedFeatures(kept.values(), kept.sha256)


def source_sum(dataset: Dataset, extractor: Extractor) -> str:
    """Sum (sha256, hexadecimal) of the sources that decide the answers: what decodes, resizes and extracts."""
    sums = sorted(file_sum(source) for source in extractor.sources() | decoding_sources(dataset))
    return hashlib.sha256("".join(sums).encode()).hexdigest()


def _kept(folder: Path, log: Log) -> PartedArray | None:
    """What is kept in ``folder``, without the parts that are damaged; None where nothing is."""
    try:
        kept = PartedArray.open(folder)
    except DamagedError as error:
        log(f"features: {error}; all are made again")
        return None
    if kept is None:
        return None
    for part in kept.check():
        rows = kept.layout.part(part)
        log(f"features {folder}: items {rows.start:,} to {rows.stop - 1:,} are damaged; made again")
    return kept


@contextmanager
def _only_one(folder: Path, log: Log) -> Iterator[None]:
    """Wait until no other process is in here with the same folder. A killed one is in nobody's way."""
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            log(f"features {folder.name} are being extracted by process {file.read()}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield  # closing the file lets the next one in


def _layout(dataset: Dataset, extractor: Extractor, device: torch.device) -> Layout:
    """Found by extracting one image."""
    present = np.flatnonzero(dataset.present())[:1]
    if not len(present):
        raise UsageError(f"{dataset.title}: not one image is on disk; `hashbench data prepare` adopts them")
    with torch.inference_mode():
        width = extractor(on_device(dataset.images(present), device)).shape[1]
    return Layout(len(dataset), width, extractor.dtype)


def _extract(dataset: Dataset, extractor: Extractor, parts: PartedArray, device: torch.device, log: Log) -> None:
    """Make the parts that are missing; the next block is decoded meanwhile."""
    layout, present = parts.layout, dataset.present()
    missing = {part: np.array(layout.part(part)) for part in parts.missing()}
    missing = {part: items[present[items]] for part, items in missing.items()}
    wanted, total = sum(map(len, missing.values())), int(present.sum())
    log(f"extracting {wanted:,} images" + (f", {total - wanted:,} are there" if wanted < total else ""))
    progress = Progress(wanted, log)
    for part, blocks in groupby(prefetch(_blocks(dataset, missing)), key=lambda block: block.part):
        rows = layout.part(part)
        values = np.full((len(rows), layout.width), np.nan, dtype=layout.stored)
        for block in blocks:
            if len(block.items):
                with torch.inference_mode():
                    features = extractor(on_device(block.images, device))
                values[block.items - rows.start] = features.cpu().numpy()
                progress.done(len(block.items))
        parts.put(part, values)
    log(progress.summary())


def _blocks(dataset: Dataset, missing: dict[int, npt.NDArray[np.int64]]) -> Iterator[Block]:
    """Images of the missing parts' items: at most 256, closed when they take 64 MiB.

    Each part begins a block anew, so that its blocks do not depend on where an extraction went on.
    """
    for part, items in missing.items():
        if not len(items):
            yield Block(part, items, [])
        start, held = 0, 0
        few: list[Images] = []
        for end in range(DECODED, len(items) + DECODED, DECODED):
            few.append(dataset.images(items[end - DECODED : end]))
            held += _bytes(few[-1])
            if held >= BLOCK_BYTES or end - start >= LARGEST_BLOCK or end >= len(items):
                yield Block(part, items[start:end], _joined(few))
                start, held, few = end, 0, []


def _bytes(images: Images) -> int:
    return images.nbytes if isinstance(images, Tensor) else sum(image.nbytes for image in images)


def _joined(few: list[Images]) -> Images:
    tensors = [images for images in few if isinstance(images, Tensor)]
    if len(tensors) == len(few) and len({images.shape[1:] for images in tensors}) == 1:
        return torch.cat(tensors)
    return [image for images in few for image in images]


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.@-]+", "-", name)
