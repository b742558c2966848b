"""NUS-WIDE's published layout with drawn labels: the published numbers of images per concept and in all."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

LINES = 269_648
ANY_OF_21, ANY_OF_10 = 195_834, 186_577
PUBLISHED = {
    "sky": 74190,
    "clouds": 54087,
    "person": 51577,
    "water": 35264,
    "animal": 33887,
    "grass": 22561,
    "buildings": 17835,
    "window": 15051,
    "plants": 14345,
    "lake": 13392,
    "ocean": 11307,
    "road": 9524,
    "flowers": 8605,
    "sunset": 8418,
    "reflection": 7875,
    "rocks": 6327,
    "vehicle": 6099,
    "snow": 5404,
    "tree": 5352,
    "beach": 5239,
    "mountain": 5099,
}


def name_of(line: int) -> str:
    """What the generated image list calls the image of a line (from 0)."""
    return f"folder{line % 81}/{line // 81:04d}_{2_000_000_000 + line}.jpg"


@cache
def drawn_labels() -> npt.NDArray[np.bool_]:
    """Bool [269,648, 21]: each concept on consecutive slots, which go round, on lines in random order."""
    slots = np.zeros((LINES, len(PUBLISHED)), dtype=np.bool_)
    start = 0
    for column, count in enumerate(PUBLISHED.values()):
        if column == 10:
            start = ANY_OF_10  # so that the rest of the 21 fill what the first ten left
        slots[(start + np.arange(count)) % (ANY_OF_10 if column < 10 else ANY_OF_21), column] = True
        start += count
    return slots[np.random.default_rng(0).permutation(LINES)]


def write_published(folder: Path) -> None:
    """``ImageList/Imagelist.txt`` and the 21 label files, as they are published."""
    (folder / "ImageList").mkdir(parents=True)
    names = "".join(name_of(line).replace("/", "\\") + "\r\n" for line in range(LINES))
    (folder / "ImageList" / "Imagelist.txt").write_bytes(names.encode())
    (folder / "Groundtruth" / "AllLabels").mkdir(parents=True)
    for column, concept in enumerate(PUBLISHED):
        write_column(folder / "Groundtruth" / "AllLabels" / f"Labels_{concept}.txt", drawn_labels()[:, column])


def write_column(file: Path, bits: npt.NDArray[np.bool_]) -> None:
    """One 0 or 1 per line."""
    cells = np.full((len(bits), 2), ord("\n"), dtype=np.uint8)
    cells[:, 0] = ord("0") + bits
    file.write_bytes(cells.tobytes())


def write_image(file: Path, shade: int) -> None:
    """A JPEG of 6x4 pixels of one grey value, three channels."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), (shade, shade, shade)).save(file, quality=95)
