"""MIRFlickr-25K in small: annotation files in the published format, and a few little images."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

ANNOTATIONS = "mirflickr25k_annotations_v080"
TWICE = [  # concepts with a second file for the images in which they are salient
    "baby",
    "bird",
    "car",
    "clouds",
    "dog",
    "female",
    "flower",
    "male",
    "night",
    "people",
    "portrait",
    "river",
    "sea",
    "tree",
]
ONCE = [
    "animals",
    "food",
    "indoor",
    "lake",
    "plant_life",
    "sky",
    "structures",
    "sunset",
    "transport",
    "water",
]
CONCEPTS = sorted(TWICE + ONCE)
ALL = sorted([*CONCEPTS, *(f"{name}_r1" for name in TWICE)])


def write_annotations(folder: Path) -> dict[str, set[int]]:
    """Write the 38 files; returns which images (1 .. 25,000) each lists. Images 401 .. 10,000 are in one or more."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    listed = {name: rng.permutation(np.arange(401, 10_001))[:250] for name in ALL}
    listed["water"] = np.arange(401, 10_001)
    for name, images in listed.items():
        (folder / f"{name}.txt").write_text("".join(f"{image}\n" for image in images))
    return {name: set(images.tolist()) for name, images in listed.items()}


def write_images(folder: Path, numbers: Iterable[int]) -> None:
    """Images im<number>.jpg of 6x4 pixels; the odd ones are grey."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.new("L" if number % 2 else "RGB", (6, 4)).save(folder / f"im{number}.jpg")
