"""Data sets in the idx files of MNIST, in torchvision's layout on disk."""

import gzip
import hashlib
import zlib
from abc import ABC
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hashbench.data.download import fetch
from hashbench.data.single_label import SingleLabelDataset
from hashbench.dataset import Protocol, Split
from hashbench.errors import UsageError
from hashbench.util.files import file_sum, put_in_place, staging_folder
from hashbench.util.progress import Log

PARTS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
RAW = "raw"
FEW_QUERIES = 2_000
SPLIT_SEED = 10_010


class IdxDataset(SingleLabelDataset, ABC):
    """60,000 training and 10,000 test images of 28 x 28 grey pixels in ten classes, as MNIST has them.

    Items 0..59,999 are the training images, 60,000..69,999 the test images, in the order of the files.

    Attributes:
        command_name: its name on the command line, for messages.
        folder_name: of torchvision; the files lie in its folder ``raw``.
        url: the address that the names of the compressed files are put behind.
        archive_sums: md5 of each of :data:`PARTS` compressed, as it is published.
        sums: md5 of each of :data:`PARTS`.
    """

    protocols = (
        Protocol("test-10k", "the official 10,000 test images as queries; the 60,000 others are database and train"),
        Protocol(
            "test-2k",
            "the first 2,000 of the official test images as queries; the official 60,000 training images are database "
            "and train",
        ),
    )
    features = "pixels"
    command_name: ClassVar[str]
    folder_name: ClassVar[str]
    url: ClassVar[str]
    archive_sums: ClassVar[tuple[str, str, str, str]]
    sums: ClassVar[tuple[str, str, str, str]]

    @property
    def folder(self) -> Path:
        """The folder of the four files."""
        return self.root / self.folder_name / RAW

    def require(self) -> None:
        """Check that the four files are there."""
        missing = [name for name in PARTS if not (self.folder / name).is_file()]
        if missing:
            state = f"lacks {', '.join(missing)}" if self.folder.is_dir() else "is not there"
            raise UsageError(
                f"{self.title}: the folder {self.folder} {state}; run `hashbench data prepare {self.command_name}`, "
                f"or name the folder that holds {self.folder_name}/{RAW} with --data DIR or HASHBENCH_DATA"
            )

    def content(self) -> str:
        """Checksum of the published sums, after a comparison with those of the files."""
        return self._content

    @cached_property
    def _content(self) -> str:
        self.require()
        way_out = f"`hashbench data prepare {self.command_name}` gets it anew"
        for name, md5 in zip(PARTS, self.sums, strict=True):
            self._check(self.folder / name, file_sum(self.folder / name, "md5"), md5, way_out)
        listed = "".join(f"{name} {md5}\n" for name, md5 in zip(PARTS, self.sums, strict=True))
        return hashlib.sha256(listed.encode()).hexdigest()

    def load(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Images and class numbers of the training files, then of the test files."""
        self.content()  # reads no file of another checksum
        images, classes = (
            np.concatenate([read_idx(self.folder / PARTS[part]) for part in parts]) for parts in ((0, 2), (1, 3))
        )
        return images[:, np.newaxis], classes.astype(np.int64)

    def split(self) -> Split:
        """The index sets of the protocol."""
        rng = np.random.default_rng(SPLIT_SEED)
        test = np.arange(len(self) - len(read_idx(self.folder / PARTS[3])), len(self), dtype=np.int64)
        query = rng.permutation(test if self.protocol.name == "test-10k" else test[:FEW_QUERIES])
        database = rng.permutation(np.arange(test[0], dtype=np.int64))
        return Split(train=database, query=query, database=database)

    def prepare(self, source: Path | None, log: Log) -> None:
        """Download the four files, or adopt them from ``source``, compressed or not."""
        if self._complete():
            log(f"{self.title} is complete in {self.folder}")
            return
        with staging_folder(self.root, self.folder_name) as stage:
            raw = stage / self.folder_name / RAW
            raw.mkdir(parents=True)
            for number, name in enumerate(PARTS):
                origin = self._download(number, stage, log) if source is None else self._found(name, source)
                (raw / name).write_bytes(uncompressed(origin))
                self._check(origin, file_sum(raw / name, "md5"), self.sums[number], "get it anew")
            put_in_place(stage / self.folder_name, self.root / self.folder_name)
        log(f"{self.title}: {len(PARTS)} files, sums checked, in {self.folder}")

    def _complete(self) -> bool:
        files = [(self.folder / name, md5) for name, md5 in zip(PARTS, self.sums, strict=True)]
        return all(file.is_file() and file_sum(file, "md5") == md5 for file, md5 in files)

    def _download(self, number: int, stage: Path, log: Log) -> Path:
        name = f"{PARTS[number]}.gz"
        way_out = f"adopt it from disk with `hashbench data prepare {self.command_name} --from FOLDER`"
        fetch(f"{self.url}/{name}", stage / name, self.archive_sums[number], way_out, log)
        return stage / name

    def _found(self, name: str, source: Path) -> Path:
        for folder in (source, source / RAW, source / self.folder_name / RAW):
            for file in (folder / name, folder / f"{name}.gz", folder / name.replace("-idx", ".idx")):
                if file.is_file():
                    return file
        raise UsageError(
            f"{self.title}: {source} holds no {name}, nor {name}.gz (also looked for in {RAW}/ and "
            f"{self.folder_name}/{RAW}/); name the folder of the four files {', '.join(PARTS)}"
        )

    def _check(self, origin: Path, actual: str, wanted: str, way_out: str) -> None:
        if actual != wanted:
            kind = " uncompressed" if origin.suffix == ".gz" else ""
            raise UsageError(
                f"{self.title}: {origin} is damaged, or another data set's: its md5{kind} is {actual}, wanted "
                f"{wanted}; {way_out}"
            )


def uncompressed(file: Path) -> bytes:
    """The bytes of ``file``, unpacked if it ends in .gz.

    Raises:
        UsageError: it is damaged.
    """
    if file.suffix != ".gz":
        return file.read_bytes()
    try:
        return gzip.decompress(file.read_bytes())
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UsageError(f"{file} is damaged or no gzip file ({error}); get it anew") from error


def read_idx(file: Path) -> npt.NDArray[np.uint8]:
    """The array in an idx file of bytes: two zeros, type 8, the number of dimensions, big-endian sizes, the values."""
    content = file.read_bytes()
    dimensions = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * dimensions).reshape(shape.astype(np.int64))
