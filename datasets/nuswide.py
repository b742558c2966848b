"""NUS-WIDE: 269,648 photographs from Flickr with 81 concepts, as published or by the list files of papers."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.data.adopt import adopt
from hashbench.data.image_files import ImageFileDataset
from hashbench.data.image_tree import IMAGE_SUFFIXES, locate, normal, walk
from hashbench.data.label_lists import read_label_column, read_label_list
from hashbench.data.list_labels import multi_hot
from hashbench.data.split_lists import CONCEPTS_FILE, LIST_FILES, Listing, read_split_lists, split_lists_sum
from hashbench.data.splits import all_but, draw_per_label
from hashbench.data.texts import read_lines
from hashbench.dataset import PHOTO_FEATURES, Dataset, Items, Protocol, Split
from hashbench.errors import UsageError
from hashbench.util.progress import Log

FOLDER = "nuswide"
IMAGE_PREFIXES = ("Flickr/", "images/", "")
LISTED_IMAGES = 269_648
CONCEPTS = {  # the 21 most frequent, with the number of images of each
    "sky": 74_190,
    "clouds": 54_087,
    "person": 51_577,
    "water": 35_264,
    "animal": 33_887,
    "grass": 22_561,
    "buildings": 17_835,
    "window": 15_051,
    "plants": 14_345,
    "lake": 13_392,
    "ocean": 11_307,
    "road": 9_524,
    "flowers": 8_605,
    "sunset": 8_418,
    "reflection": 7_875,
    "rocks": 6_327,
    "vehicle": 6_099,
    "snow": 5_404,
    "tree": 5_352,
    "beach": 5_239,
    "mountain": 5_099,
}
IMAGE_LIST = "ImageList/Imagelist.txt"
LABELS = {concept: f"Groundtruth/AllLabels/Labels_{concept}.txt" for concept in CONCEPTS}
LIST_FOLDER = "lists"
LISTS = tuple(f"{LIST_FOLDER}/{file}" for file in LIST_FILES.values())
LIST_CONCEPTS = f"{LIST_FOLDER}/{CONCEPTS_FILE}"

TC10_CONCEPTS = 10
QUERIES_PER_CONCEPT, TRAIN_PER_CONCEPT = 100, 500
TC10_QUERIES, TC10_TRAIN = 5_000, 10_500
TC21_SEED, TC10_SEED, LISTS_SEED = 30_001, 30_002, 30_003
CUTOFF = 5_000

HOW_TO_OBTAIN = (
    "NUS-WIDE may not be passed on, so there is nothing to download here. Gather in one folder either",
    "  ImageList/Imagelist.txt and Groundtruth/AllLabels/, of the archives ImageList and Groundtruth, and the images,",
    "  by the request form, from https://lms.comp.nus.edu.sg/wp-content/uploads/2019/research/nuswide/NUS-WIDE.html",
    "  (in Flickr/ or images/, under their names in the list, actor/0001_2124494179.jpg, or their base names alone);",
    "  or the lists of HashNet and its successors, of lines `path label label ...`, as lists/train.txt, lists/test.txt",
    "  and lists/database.txt, with the images that they name in images/.",
    "Then run `hashbench data prepare nuswide --from FOLDER`. Images that are gone from the web count as missing.",
)


class NUSWide(ImageFileDataset):
    """Items of tc21 and tc10 are the images with one of the 21 concepts, in list order; of lists the distinct paths."""

    title = "NUS-WIDE"
    source = (
        "Chua et al., NUS-WIDE: a real-world web image database from National University of Singapore, CIVR 2009; "
        "photographs from Flickr, each its author's, not to be passed on"
    )
    protocols = (
        Protocol(
            "tc21",
            "the 195,834 images with one of the 21 most frequent concepts: 2,100 queries, 100 per concept; database "
            "the other 193,734; train 10,500 of these, 500 per concept",
            CUTOFF,
        ),
        Protocol(
            "tc10",
            "the 186,577 images with one of the 10 most frequent concepts: 5,000 random queries; database the other "
            "181,577; train 10,500 random ones of these",
            CUTOFF,
        ),
        Protocol("lists", "what lists/test.txt, lists/database.txt and lists/train.txt name", CUTOFF),
    )
    features = PHOTO_FEATURES

    @property
    def folder(self) -> Path:
        return self.root / FOLDER

    def protocol_name(self) -> str:
        name = self.protocol.name
        return f"lists-{split_lists_sum(self.folder / LIST_FOLDER)[:8]}" if name == "lists" else name

    def require(self) -> None:
        _ = self._listing

    @cached_property
    def _listing(self) -> Listing:
        if self.protocol.name == "lists":
            require_files(self.folder, LISTS)
            return read_own_lists(self.folder / LIST_FOLDER)
        return read_published(self.folder, self.protocol.name)

    def list_bytes(self) -> bytes:
        return os.fsencode("\n".join(self._listing.names)) + np.packbits(self._listing.labels).tobytes()

    def files(self) -> list[str | None]:
        return locate(self.folder, self._listing.names, IMAGE_PREFIXES)

    def names(self, items: Items) -> list[str]:
        return [self._listing.names[item] for item in items.tolist()]

    def __len__(self) -> int:
        return len(self._listing.names)

    def classes(self) -> tuple[str, ...]:
        return self._listing.classes

    def labels(self) -> npt.NDArray[np.bool_]:
        return self._listing.labels[:, : len(self.classes())]

    def split(self) -> Split:
        return self._listing.split

    def prepare(self, source: Path | None, log: Log) -> None:
        if source is None:
            for line in HOW_TO_OBTAIN:
                log(line)
        else:
            adopt_all(source, self.root, log)
        for protocol in self.protocols:
            log(f"{FOLDER}/{protocol.name}: {describe_state(NUSWide(self.root, protocol))}")


def read_own_lists(folder: Path) -> Listing:
    """The protocol of the lists in ``folder``.

    Raises:
        UsageError: a list is malformed, two contradict each other, or they have one label; the message names it.
    """
    listing = read_split_lists(folder, LISTS_SEED)
    if listing.labels.shape[1] == 1:
        raise UsageError(
            f"{folder / LIST_FILES['database']}: each line has one label, 0 or 1, wanted one for each of NUS-WIDE's "
            "concepts; lists of class numbers are a data set of their own, folder:FILE, with lists = in the TOML file"
        )
    return listing


def read_published(folder: Path, protocol: str) -> Listing:
    """The items of tc21 or tc10 from the published layout in ``folder``.

    Raises:
        UsageError: a file is missing or not as published; the message names it.
    """
    require_files(folder, (IMAGE_LIST, *LABELS.values()))
    names = read_image_list(folder / IMAGE_LIST)
    labels = np.stack([read_concept(folder / file, concept) for concept, file in LABELS.items()], axis=1)
    labelled = np.flatnonzero(labels.any(axis=1))
    names, labels = [names[line] for line in labelled.tolist()], labels[labelled]
    if protocol == "tc21":
        return Listing(names, tuple(CONCEPTS), labels, split_tc21(labels))
    return Listing(names, tuple(CONCEPTS)[:TC10_CONCEPTS], labels, split_tc10(labels[:, :TC10_CONCEPTS]))


def split_tc21(labels: npt.NDArray[np.bool_]) -> Split:
    """The split of tc21: queries and training items drawn concept by concept, the rarest first."""
    rng = np.random.default_rng(TC21_SEED)
    query = draw_per_label(labels, QUERIES_PER_CONCEPT, rng)
    database = rng.permutation(all_but(len(labels), query))
    train = database[draw_per_label(labels[database], TRAIN_PER_CONCEPT, rng)]
    return Split(train=train, query=query, database=database)


def split_tc10(labels: npt.NDArray[np.bool_]) -> Split:
    """The split of tc10: of a permutation of the labelled items, the first are queries, the others the database."""
    rng = np.random.default_rng(TC10_SEED)
    order = rng.permutation(np.flatnonzero(labels.any(axis=1)).astype(np.int64))
    query, database = order[:TC10_QUERIES], order[TC10_QUERIES:]
    return Split(train=rng.permutation(database)[:TC10_TRAIN], query=query, database=database)


def read_image_list(file: Path) -> list[str]:
    """The images' names with slashes, "actor/0001_2124494179.jpg"; the published file has backslashes.

    Raises:
        UsageError: the number of names is not 269,648, or a name is repeated.
    """
    names = [normal(line.replace("\\", "/")) for line in read_lines(file)]
    if len(names) != LISTED_IMAGES:
        raise UsageError(f"{file} has {len(names):,} lines, wanted {LISTED_IMAGES:,}, one per image; get the file anew")
    if len(set(names)) < len(names):
        twice, _ = Counter(names).most_common(1)[0]
        raise UsageError(f"{file} has {twice!r} more than once, wanted {LISTED_IMAGES:,} names; get the file anew")
    return names


def read_concept(file: Path, concept: str) -> npt.NDArray[np.bool_]:
    """Bool [269,648], True for images with the concept.

    Raises:
        UsageError: the file is not as published; the message names it.
    """
    column = read_label_column(file, LISTED_IMAGES, IMAGE_LIST)
    if column.sum() != CONCEPTS[concept]:
        raise UsageError(f"{file} marks {column.sum():,} images, wanted {CONCEPTS[concept]:,}; get the file anew")
    return column


def require_files(folder: Path, files: Iterable[str]) -> None:
    """Raise UsageError if ``files`` are missing from ``folder``, with the first and the number of others."""
    missing = [file for file in files if not (folder / file).is_file()]
    if missing:
        state = f"and {len(missing) - 1} more are missing" if missing[1:] else "is missing"
        raise UsageError(
            f"NUS-WIDE: {folder / missing[0]} {state}; run `hashbench data prepare nuswide --from FOLDER` "
            "(without --from it says how to obtain it), or name the folder that holds nuswide with --data DIR"
        )


def adopt_all(source: Path, root: Path, log: Log) -> None:
    """Adopt lists and labels from ``source`` (or its folder nuswide), then the images they name that are missing here.

    Raises:
        UsageError: a file is malformed, or there is nothing to adopt; nothing was written.
    """
    source = source / FOLDER if (source / FOLDER).is_dir() else source
    wanted = [IMAGE_LIST, *LABELS.values(), *LISTS, LIST_CONCEPTS]
    texts = {name: file for name, file in zip(wanted, locate(source, wanted, ("",)), strict=True) if file}
    if not texts and not any(file.lower().endswith(IMAGE_SUFFIXES) for file in walk(source)):
        raise UsageError(
            f"NUS-WIDE: {source} holds neither lists, labels nor images; "
            "`hashbench data prepare nuswide` says what to gather"
        )
    check_texts(source, texts)
    check_lists({name: source / file for name, file in texts.items()}, root / FOLDER)
    adopt(source, texts, root / FOLDER, log)
    images: dict[str, str] = {}
    for protocol in NUSWide.protocols:
        if protocol.name == "tc10":
            continue  # its items are tc21's
        dataset = NUSWide(root, protocol)
        try:
            missing = dataset.names(np.flatnonzero(~dataset.present()))
        except UsageError:
            continue  # describe_state gives the reason
        images |= {file: file for file in locate(source, missing, IMAGE_PREFIXES) if file}
    adopt(source, images, root / FOLDER, log)
    log(f"NUS-WIDE: {len(texts)} lists and label files and {len(images):,} images adopted from {source}")


def check_texts(source: Path, texts: Mapping[str, str]) -> None:
    """Check the lists and label files ``{name here: path in source}`` by reading them.

    Raises:
        UsageError: a file is malformed.
    """
    concepts = {file: concept for concept, file in LABELS.items()}
    for name, file in texts.items():
        if name == IMAGE_LIST:
            read_image_list(source / file)
        elif name in concepts:
            read_concept(source / file, concepts[name])
        elif name in LISTS:
            multi_hot([read_label_list(source / file)])


def check_lists(new: Mapping[str, Path], folder: Path) -> None:
    """Check the lists as they would be once those in ``new`` replaced those in ``folder``.

    Raises:
        UsageError: they contradict each other.
    """
    files = {name: new.get(name, folder / name) for name in (*LISTS, LIST_CONCEPTS)}
    if not all(files[name].is_file() for name in LISTS):
        return
    with tempfile.TemporaryDirectory() as together:
        for name, file in files.items():
            if file.is_file():
                Path(together, Path(name).name).symlink_to(file.absolute())
        read_own_lists(Path(together))


def describe_state(dataset: Dataset) -> str:
    """A line: how many images of each index set are missing, or why the protocol is not ready."""
    try:
        missing = ~dataset.present()
    except UsageError as error:
        return f"not ready: {error}"
    parts = dataset.split().parts()
    parts = {"images": np.unique(np.concatenate(list(parts.values()))), **parts}
    return "missing " + ", ".join(f"{missing[items].sum():,} of {len(items):,} {of}" for of, items in parts.items())
