"""Finds images of identical pixels: decodes each image of a data set once and keeps the checksum of its pixels."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hashbench.data.decode import decoding_id, undecodable
from hashbench.data.images import DECODE_CHUNK_IMAGES
from hashbench.data.kept_pixels import SUM_BYTES, KeptPixels, read_checked, write_checked
from hashbench.data.row_sums import row_blocks
from hashbench.dataset import Dataset, Items
from hashbench.errors import BrokenFiles, UsageError
from hashbench.util.progress import Progress

VERSION = 2  # of the checksums; 2: grey images of one channel and of three are the same
KEEP_EVERY = 8_192  # images: what a killed process decodes again at most

Groups = npt.NDArray[np.int64]


class PixelSums(NamedTuple):
    """Checksums of decoded images.

    Attributes:
        sums: uint8 [items, 16]; zeros for missing images, something of its own for each broken one.
        broken: what is wrong with each image that cannot be decoded, by the name of its file.
    """

    sums: npt.NDArray[np.uint8]
    broken: dict[str, str]

    def groups(self) -> Groups:
        """Group numbers [items], equal for images of identical pixels; missing images share one group."""
        _, groups = np.unique(self.sums.view(f"V{SUM_BYTES}")[:, 0], return_inverse=True)
        return groups.astype(np.int64)


def same_images(dataset: Dataset, cache: Path) -> Groups:
    """Group numbers [items], equal for images of identical pixels; missing images share one group.

    Raises:
        BrokenFiles: images cannot be decoded; names all of them. The others are not decoded again next time.
    """
    result = pixel_sums(dataset, cache)
    if result.broken:
        raise undecodable(result.broken)
    return result.groups()


def pixel_sums(dataset: Dataset, cache: Path) -> PixelSums:
    """Checksums of all images, decoded unless their checksums are in the cache; of vectors where there are none.

    They are cached by the images' content and the code that decodes them, so that protocols share them; those of image
    files also file by file, so that a file that is mended, added or removed is the only one to be decoded. What is
    damaged in the cache is made again.
    """
    if (vectors := dataset.vectors()) is not None:
        rows = [block.sums for block in row_blocks(vectors, np.arange(len(dataset), dtype=np.int64))]
        return PixelSums(np.concatenate(rows), {})
    decoding = hashlib.sha256(f"{VERSION} {decoding_id(dataset)}".encode()).hexdigest()
    whole = cache / "pixels" / f"{hashlib.sha256((dataset.image_content() + decoding).encode()).hexdigest()[:32]}.bin"
    sums = read_checked(whole, dataset.log)
    if sums is not None and sums.size == len(dataset) * SUM_BYTES:
        return PixelSums(sums.reshape(-1, SUM_BYTES), {})
    files = dataset.image_sums()
    kept = None if files is None else KeptPixels(cache, decoding, files, dataset.log)
    sums = np.zeros((len(dataset), SUM_BYTES), dtype=np.uint8)
    known = kept.fill(sums) if kept else np.zeros(len(dataset), dtype=np.bool_)
    broken: dict[str, str] = {}
    try:
        for item, image in _decoded(dataset, np.flatnonzero(dataset.present() & ~known).astype(np.int64), broken):
            sums[item] = np.frombuffer(_sum_of(image, item), dtype=np.uint8)
            if kept and isinstance(image, Tensor):
                kept.add(item, sums[item], KEEP_EVERY)
    finally:  # what was decoded before a failure is not decoded again
        if kept:
            kept.write()
    if not broken:
        write_checked(whole, sums)
    return PixelSums(sums, broken)


def _decoded(dataset: Dataset, items: Items, broken: dict[str, str]) -> Iterator[tuple[int, Tensor | None]]:
    """Each item with its image; None for those that cannot be decoded, which are entered into ``broken``."""
    progress = Progress(len(items), lambda line: dataset.log(f"looking for leaks in {dataset.title}: {line}"))
    for start in range(0, len(items), DECODE_CHUNK_IMAGES):
        chunk = items[start : start + DECODE_CHUNK_IMAGES]
        try:
            yield from zip(chunk.tolist(), dataset.images(chunk), strict=True)
        except UsageError:  # one by one, to find out which
            for item in chunk:
                yield int(item), _image(dataset, item, broken)
        progress.done(len(chunk))


def _image(dataset: Dataset, item: np.int64, broken: dict[str, str]) -> Tensor | None:
    alone = np.array([item])
    try:
        return dataset.images(alone)[0]
    except BrokenFiles as error:
        broken |= error.files
    except UsageError as error:
        broken[dataset.names(alone)[0]] = str(error)
    return None


def _sum_of(image: Tensor | None, item: int) -> bytes:
    if image is None:
        return hashlib.blake2b(f"broken {item}".encode(), digest_size=SUM_BYTES).digest()
    if len(image) > 1 and bool((image[1:] == image[:1]).all()):
        image = image[:1]  # grey: methods see one channel three times
    digest = hashlib.blake2b(repr(tuple(image.shape)).encode(), digest_size=SUM_BYTES)
    digest.update(image.contiguous().numpy().data)
    return digest.digest()
