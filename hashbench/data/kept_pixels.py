"""Keeps checksums of decoded images on disk: of a whole data set, and by the checksum of each image's file."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.util.files import replacing
from hashbench.util.progress import Log
from hashbench.util.storage import make_folder

SUM_BYTES = 16
DIGEST_BYTES = 32  # of sha256, with which a file begins

Bytes = npt.NDArray[np.uint8]


class KeptPixels:
    """Checksums of pixels by the checksum of the file that they were decoded from, of all data sets.

    Several processes may write at once; sums that the last one lacks are computed again.

    Args:
        cache: the cache's folder.
        decoding: names the code that decodes; see :func:`hashbench.data.decode.decoding_id`.
        files: checksum of each item's file (16 bytes, hexadecimal), None for missing ones.
        log: gets a line where the file is damaged.
    """

    def __init__(self, cache: Path, decoding: str, files: Sequence[str | None], log: Log) -> None:
        self.file = cache / "pixels" / f"by-file-{decoding[:32]}.bin"
        self.files, self.log = files, log
        self.new: dict[bytes, bytes] = {}

    def fill(self, sums: Bytes) -> npt.NDArray[np.bool_]:
        """Enter what is known into ``sums``, uint8 [items, 16]; returns which items are, bool [items]."""
        known = self._read()
        filled = np.zeros(len(sums), dtype=np.bool_)
        for item, file in enumerate(self.files):
            if file is not None and (pixels := known.get(bytes.fromhex(file))):
                sums[item], filled[item] = np.frombuffer(pixels, dtype=np.uint8), True
        return filled

    def add(self, item: int, pixels: Bytes, write_every: int) -> None:
        """Remember the checksum of an item's pixels; write to disk after every ``write_every``."""
        file = self.files[item]
        assert file is not None
        self.new[bytes.fromhex(file)] = pixels.tobytes()
        if len(self.new) >= write_every:
            self.write()

    def write(self) -> None:
        """Add what is new to the file on disk."""
        if self.new:
            rows = b"".join(file + pixels for file, pixels in (self._read() | self.new).items())
            write_checked(self.file, np.frombuffer(rows, dtype=np.uint8))
            self.new = {}

    def _read(self) -> dict[bytes, bytes]:
        content = read_checked(self.file, self.log)
        rows = b"" if content is None else content.tobytes()
        step = 2 * SUM_BYTES
        return {
            rows[start : start + SUM_BYTES]: rows[start + SUM_BYTES : start + step]
            for start in range(0, len(rows), step)
        }


def read_checked(file: Path, log: Log) -> Bytes | None:
    """The bytes that :func:`write_checked` wrote; None where the file is absent or, which is logged, damaged."""
    if not file.exists():
        return None
    content = file.read_bytes()
    digest, sums = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(sums).digest() != digest:
        log(f"the cached checksums of images {file} are damaged; computed again")
        return None
    return np.frombuffer(sums, dtype=np.uint8)


def write_checked(file: Path, sums: Bytes) -> None:
    """Write ``sums`` behind their sha256, whole or not at all; makes the folder if need be."""
    make_folder(file.parent)
    with replacing(file) as work:
        work.write_bytes(hashlib.sha256(sums.tobytes()).digest() + sums.tobytes())
