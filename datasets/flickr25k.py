"""MIRFlickr-25K: 25,000 photographs from Flickr with 24 concepts, 14 of which have a second label for salient ones."""

import json
import os
import re
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.data.adopt import adopt
from hashbench.data.archives import unpack
from hashbench.data.download import fetch
from hashbench.data.image_files import ImageFileDataset
from hashbench.data.image_tree import is_file
from hashbench.data.splits import all_but
from hashbench.data.texts import read_lines
from hashbench.dataset import PHOTO_FEATURES, Items, Protocol, Split
from hashbench.errors import UsageError
from hashbench.util.files import file_sum, staging_folder
from hashbench.util.progress import Log

IMAGE_COUNT = 25_000
FOLDER = "mirflickr"
ANNOTATIONS = "mirflickr25k_annotations_v080"
URL = "https://press.liacs.nl/mirflickr/mirflickr25k.v3b"
ARCHIVES_MD5 = {
    "mirflickr25k.zip": "a23d0a8564ee84cda5622a6c2f947785",  # 2.9 GiB
    f"{ANNOTATIONS}.zip": "aa0138c79892b1b670184d142380948f",
}
IMAGES_ZIP, ANNOTATIONS_ZIP = ARCHIVES_MD5
HOW_TO_PREPARE = (
    f"run `hashbench data prepare flickr25k`, or name the folder that holds {FOLDER} with --data DIR or HASHBENCH_DATA"
)
GET_AGAIN = "`hashbench data prepare flickr25k` gets the annotations anew"
WAY_OUT = "adopt it from disk with `hashbench data prepare flickr25k --from FOLDER`"

CONCEPTS = (
    *("animals", "baby", "bird", "car", "clouds", "dog", "female", "flower", "food", "indoor", "lake", "male"),
    *("night", "people", "plant_life", "portrait", "river", "sea", "sky", "structures", "sunset", "transport"),
    *("tree", "water"),
)
SALIENT = (
    *("baby_r1", "bird_r1", "car_r1", "clouds_r1", "dog_r1", "female_r1", "flower_r1", "male_r1", "night_r1"),
    *("people_r1", "portrait_r1", "river_r1", "sea_r1", "tree_r1"),
)
COLUMNS = tuple(sorted(CONCEPTS + SALIENT))
QUERIES = {"24": 2_000, "38": 1_000}
TRAIN = {"24": 5_000, "38": 4_000}
SEEDS = {"24": 25_024, "38": 25_038}


class Flickr25K(ImageFileDataset):
    """Item i is the image im(i + 1).jpg. The annotation file of a concept lists the images that show it.

    A file "<concept>_r1" lists the images where the concept is salient; it is a label of its own, in protocol 38 only.
    """

    title = "MIRFlickr-25K"
    source = (
        "Huiskes and Lew, The MIR Flickr retrieval evaluation, MIR 2008; https://press.liacs.nl/mirflickr; "
        "photographs under Creative Commons licences, each its author's"
    )
    protocols = (
        Protocol(
            "24",
            "24 concepts; 2,000 queries drawn from the images that have one; database the other 23,000; "
            "train 5,000 of these that have one",
            cutoff=5_000,
        ),
        Protocol(
            "38",
            "24 concepts and 14 once more where salient; 1,000 queries and 4,000 train drawn from the images that have "
            "one; database the other 20,000",
            cutoff=5_000,
        ),
    )
    features = PHOTO_FEATURES

    @property
    def folder(self) -> Path:
        """The folder of the images."""
        return self.root / FOLDER

    @property
    def annotations(self) -> Path:
        """The folder of the annotations: beside the images' folder or inside it, as the archive is often unpacked."""
        inside = self.folder / ANNOTATIONS
        return inside if inside.is_dir() and not (self.root / ANNOTATIONS).is_dir() else self.root / ANNOTATIONS

    def require(self) -> None:
        if not self.present().any():
            raise UsageError(
                f"{self.title}: {self.folder} has none of the images im1.jpg .. im25000.jpg; {HOW_TO_PREPARE}"
            )
        self._columns  # noqa: B018 - raises here if the annotations are malformed

    def files(self) -> list[str | None]:
        return images_in(self.folder)

    def names(self, items: Items) -> list[str]:
        return [image_name(item) for item in items.tolist()]

    @cached_property
    def _columns(self) -> npt.NDArray[np.bool_]:
        """Labels of both protocols, multi-hot [25,000, 38]."""
        return read_annotations(self.annotations)

    def list_bytes(self) -> bytes:
        return json.dumps(COLUMNS).encode() + np.packbits(self._columns).tobytes()

    def classes(self) -> tuple[str, ...]:
        return COLUMNS if self.protocol.name == "38" else CONCEPTS

    def labels(self) -> npt.NDArray[np.bool_]:
        return self._columns[:, np.isin(COLUMNS, self.classes())]

    def split(self) -> Split:
        name = self.protocol.name
        rng = np.random.default_rng(SEEDS[name])
        has_label = np.asarray(self.labels().any(axis=1))
        query = rng.permutation(np.flatnonzero(has_label))[: QUERIES[name]]
        database = rng.permutation(all_but(IMAGE_COUNT, query))
        train = rng.permutation(database[has_label[database]])[: TRAIN[name]]
        if name == "38":
            database = database[~np.isin(database, train)]
        return Split(train=train, query=query, database=database)

    def prepare(self, source: Path | None, log: Log) -> None:
        files, annotated = images_in(self.folder), is_whole(self.annotations)
        if annotated and None not in files:
            log(f"{self.title} is complete in {self.root}")
            return
        with staging_folder(self.root, FOLDER) as stage:
            if source is None:
                wanted = {IMAGES_ZIP: None in files, ANNOTATIONS_ZIP: not annotated}
                source = download([name for name, lacks in wanted.items() if lacks], stage, log)
            elif source.name in ARCHIVES_MD5 and source.is_file():
                source = source.parent
            images = find_images(source, stage, log)
            annotations = find_annotations(source, stage, log)
            if images is None and (annotations is None or not any(files)):
                raise nothing_found(source, f"{FOLDER}/im1.jpg .. im25000.jpg", IMAGES_ZIP)
            if annotations is None and not annotated:
                raise nothing_found(source, f"{ANNOTATIONS}/", ANNOTATIONS_ZIP)
            if annotations is not None and not annotated:
                read_annotations(annotations)
                adopt(annotations, {f"{name}.txt": f"{name}.txt" for name in COLUMNS}, self.root / ANNOTATIONS, log)
            if images is not None:
                new = {name: name for name, here in zip(images_in(images), files, strict=True) if name and not here}
                adopt(images, new, self.folder, log)  # those that are here stay: they may be of another size
        missing = images_in(self.folder).count(None)
        note = f"; {missing:,} are missing: they are dropped from the index sets and counted" if missing else ""
        log(f"{self.title}: 38 annotation files and {IMAGE_COUNT - missing:,} of 25,000 images in {self.root}{note}")


def nothing_found(source: Path, what: str, archive: str) -> UsageError:
    """The error for a source that lacks images or annotations."""
    return UsageError(f"MIRFlickr-25K: {source} holds neither {what} nor {archive}; name the folder that does")


def image_name(item: int) -> str:
    """The file of an item: "im17.jpg" of 16."""
    return f"im{item + 1}.jpg"


def images_in(folder: Path) -> list[str | None]:
    """Each item's file, None where ``folder`` lacks it."""
    if not folder.is_dir():
        return [None] * IMAGE_COUNT
    with os.scandir(folder) as found:
        existing = {entry.name for entry in found if is_file(entry)}
    return [name if (name := image_name(item)) in existing else None for item in range(IMAGE_COUNT)]


def read_annotations(folder: Path) -> npt.NDArray[np.bool_]:
    """Labels, multi-hot [25,000, 38], from the annotation files; columns in the order of their names.

    Raises:
        UsageError: a file is missing, or a line is not a number from 1 to 25,000, or a number is repeated.
    """
    missing = [f"{name}.txt" for name in COLUMNS if not (folder / f"{name}.txt").is_file()]
    if missing:
        state = f"lacks {', '.join(missing)}" if folder.is_dir() else "is not there"
        raise UsageError(f"MIRFlickr-25K: the folder {folder} {state}; {GET_AGAIN}")
    columns = np.zeros((IMAGE_COUNT, len(COLUMNS)), dtype=np.bool_)
    for column, name in enumerate(COLUMNS):
        file = folder / f"{name}.txt"
        for number, line in enumerate(read_lines(file) or [""], start=1):
            image = int(line) if re.fullmatch(r"\d{1,5}", line) else 0
            if not 1 <= image <= IMAGE_COUNT:
                raise UsageError(
                    f"{file}, line {number} is {line[:40]!r}, wanted a whole number from 1 to 25000; {GET_AGAIN}"
                )
            if columns[image - 1, column]:
                raise UsageError(f"{file}, line {number}: image {image} is listed a second time; {GET_AGAIN}")
            columns[image - 1, column] = True
    return columns


def is_whole(annotations: Path) -> bool:
    """True if the folder has all annotation files and they can be read."""
    try:
        read_annotations(annotations)
    except UsageError:
        return False
    return True


def download(archives: list[str], stage: Path, log: Log) -> Path:
    """Download the named archives to a folder inside ``stage``; returns the folder."""
    folder = stage / "downloads"
    folder.mkdir()
    for name in archives:
        fetch(f"{URL}/{name}", folder / name, ARCHIVES_MD5[name], WAY_OUT, log)
    return folder


def find_images(source: Path, stage: Path, log: Log) -> Path | None:
    """The folder of images: ``source``, one inside it, or the unpacked archive; None if there is none."""
    for folder in (source / FOLDER, source):
        if any(images_in(folder)):
            return folder
    unpacked = unpack_checked(source / IMAGES_ZIP, stage / "images.zip", log)
    return unpacked and unpacked / FOLDER


def find_annotations(source: Path, stage: Path, log: Log) -> Path | None:
    """The folder of annotations: in ``source``, beside it, or the unpacked archive; None if there is none."""
    beside = source.absolute().parent if any(images_in(source)) else source
    for folder in (source, source / FOLDER, beside):
        if (folder / ANNOTATIONS).is_dir():
            return folder / ANNOTATIONS
    unpacked = unpack_checked(source / ANNOTATIONS_ZIP, stage / "annotations.zip", log)
    inside = unpacked and unpacked / ANNOTATIONS
    return inside if inside and inside.is_dir() else unpacked


def unpack_checked(archive: Path, folder: Path, log: Log) -> Path | None:
    """Unpack the archive into the new folder ``folder``, which is returned; None if there is no such archive.

    Raises:
        UsageError: its checksum is not the published one.
    """
    if not archive.is_file():
        return None
    actual = file_sum(archive, "md5")
    if actual != ARCHIVES_MD5[archive.name]:
        raise UsageError(f"{archive} has md5 {actual}, wanted {ARCHIVES_MD5[archive.name]}; get it anew")
    log(f"unpacking {archive}")
    folder.mkdir()
    unpack(archive, folder)
    return folder
