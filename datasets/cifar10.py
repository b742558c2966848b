"""CIFAR-10: 60,000 photographs of 32x32 pixels in 10 classes, in torchvision's layout on disk."""

import hashlib
import io
import pickle
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.data.archives import unpack
from hashbench.data.download import fetch
from hashbench.data.single_label import SingleLabelDataset
from hashbench.data.splits import draw_per_class
from hashbench.dataset import PHOTO_FEATURES, Protocol, Split
from hashbench.errors import UsageError
from hashbench.util.files import file_sum, put_in_place, staging_folder
from hashbench.util.progress import Log

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
BATCHES_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
META_MD5 = {"batches.meta": "5ff9c542aee3614f3951f8cda6e48888"}
WAY_OUT = "adopt it from disk with `hashbench data prepare cifar10 --from FOLDER`"

OFFICIAL_TEST_IMAGES = 10_000  # the last items


@dataclass(frozen=True)
class Draw:
    """The rule by which a protocol's index sets are drawn.

    Attributes:
        seed: of queries and database order.
        queries: number per class; None takes all candidates.
        train: number per class, from the database; None takes the whole database.
        train_seed: of the training set.
        official: queries come from the official test images, and the official training images are the database.
        disjoint: training items are removed from the database.
        within: the protocol from whose training items everything is drawn; None for all images.
        unseen: number of classes, drawn by ``train_seed``, that are not trained on: queries and database are the
            official test and training images of these, the training set the official training images of the others.
    """

    seed: int
    queries: int | None = None
    train: int | None = None
    train_seed: int | None = None
    official: bool = False
    disjoint: bool = False
    within: str | None = None
    unseen: int = 0


DRAWS = {
    "bgan": Draw(10_001, queries=100, train=1_000, train_seed=10_002),
    "unsupervised-59k": Draw(10_001, queries=100),
    "test-10k": Draw(10_003, official=True),
    "supervised-59k": Draw(10_001, queries=100, train=500, train_seed=10_004),
    "disjoint-54k": Draw(10_001, queries=100, train=500, train_seed=10_004, disjoint=True),
    "resplit-50k": Draw(10_005, queries=1_000),
    "resplit-5k": Draw(10_005, queries=1_000, train=500, train_seed=10_006),
    "cibhash": Draw(10_007, queries=500, train=500, train_seed=10_008, official=True),
    "bgan-validation": Draw(10_009, queries=100, train=700, train_seed=10_010, disjoint=True, within="bgan"),
    "unseen": Draw(10_011, train_seed=10_012, official=True, unseen=3),
}


class CIFAR10(SingleLabelDataset):
    """Items 0..49,999 are the five training batches in order, 50,000..59,999 the test batch."""

    title = "CIFAR-10"
    source = "Krizhevsky, Learning multiple layers of features from tiny images, 2009; no licence stated"
    protocols = (
        Protocol(
            "bgan",
            "1,000 queries, 100 per class, drawn from all 60,000; database the other 59,000; "
            "train 10,000 of these, 1,000 per class",
        ),
        Protocol("unsupervised-59k", "the 1,000 queries of bgan; the other 59,000 are database and training set"),
        Protocol("test-10k", "the official 10,000 test images as queries; the 50,000 others are database and train"),
        Protocol("supervised-59k", "queries and database of bgan; train 5,000 of the database, 500 per class"),
        Protocol("disjoint-54k", "queries and train of supervised-59k; database the 54,000 that are neither"),
        Protocol(
            "resplit-50k",
            "10,000 queries, 1,000 per class, drawn from all 60,000; the other 50,000 are database and train",
        ),
        Protocol("resplit-5k", "queries and database of resplit-50k; train 5,000 of the database, 500 per class"),
        Protocol(
            "cibhash",
            "5,000 of the official test images as queries, 500 per class; database the official 50,000 training "
            "images; train 5,000 of these, 500 per class",
        ),
        Protocol(
            "bgan-validation",
            "to choose hyper-parameters by: the 10,000 training items of bgan as 1,000 queries, 100 per class, "
            "database 2,000, 200 per class, and train the other 7,000, 700 per class",
            cutoff=34,  # as great a share of its database as 1,000 of bgan's
        ),
        Protocol(
            "unseen",
            "classes that were not trained on: the official test images of bird, dog and horse, which were drawn, as "
            "3,000 queries; database their 15,000 official training images; train the 35,000 of the other classes",
        ),
    )
    features = PHOTO_FEATURES
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    @property
    def folder(self) -> Path:
        """The folder of the seven files."""
        return self.root / FOLDER

    def require(self) -> None:
        missing = [name for name in wanted_sums() if not (self.folder / name).is_file()]
        if missing:
            state = f"lacks {', '.join(missing)}" if self.folder.is_dir() else "is not there"
            raise UsageError(
                f"CIFAR-10: the folder {self.folder} {state}; run `hashbench data prepare cifar10`, "
                f"or name the folder that holds {FOLDER} with --data DIR or HASHBENCH_DATA"
            )

    def content(self) -> str:
        return self._content

    @cached_property
    def _content(self) -> str:
        self.require()
        check_sums(self.folder, self.folder, "`hashbench data prepare cifar10` gets it anew")
        return hashlib.sha256("".join(f"{name} {md5}\n" for name, md5 in wanted_sums().items()).encode()).hexdigest()

    def load(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        self.content()  # reads no file of another checksum
        batches = [read_batch(self.folder / name) for name in BATCHES_MD5]
        pixels = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
        return pixels, np.concatenate([batch[b"labels"] for batch in batches]).astype(np.int64)

    def split(self) -> Split:
        return draw(self.class_numbers(), DRAWS[self.protocol.name])

    def prepare(self, source: Path | None, log: Log) -> None:
        if self._complete():
            log(f"CIFAR-10 is complete in {self.folder}")
            return
        with staging_folder(self.root, FOLDER) as stage:
            if source is None:
                origin = stage / ARCHIVE
                fetch(URL, origin, ARCHIVE_MD5, WAY_OUT, log)
                unpack(origin, stage)
            else:
                origin = adopt(source, stage)
            check_sums(stage / FOLDER, origin, "get it anew")
            put_in_place(stage / FOLDER, self.folder)
        log(f"CIFAR-10: {len(wanted_sums())} files, sums checked, in {self.folder}")

    def _complete(self) -> bool:
        files = [(self.folder / name, md5) for name, md5 in wanted_sums().items()]
        return all(file.is_file() and file_sum(file, "md5") == md5 for file, md5 in files)


def draw(classes: npt.NDArray[np.int64], rule: Draw) -> Split:
    """The index sets that ``rule`` draws from items of these classes, int64 [items]."""
    rng = np.random.default_rng(rule.seed)
    if rule.unseen:
        return draw_unseen(classes, rule, rng)
    items = np.arange(len(classes)) if rule.within is None else np.sort(draw(classes, DRAWS[rule.within]).train)
    candidates = items[-OFFICIAL_TEST_IMAGES:] if rule.official else items
    if rule.queries is None:
        query = rng.permutation(candidates)
    else:
        query = candidates[draw_per_class(classes[candidates], rule.queries, rng)]
    database = rng.permutation(np.setdiff1d(items, candidates if rule.official else query))
    train = database
    if rule.train is not None:
        train = database[draw_per_class(classes[database], rule.train, np.random.default_rng(rule.train_seed))]
    if rule.disjoint:
        database = database[~np.isin(database, train)]
    return Split(train=train, query=query, database=database)


def draw_unseen(classes: npt.NDArray[np.int64], rule: Draw, rng: np.random.Generator) -> Split:
    """Queries and database of the unseen classes, and the training set of the others."""
    other = np.random.default_rng(rule.train_seed)
    unseen = np.isin(classes, other.permutation(np.unique(classes))[: rule.unseen])
    test = np.arange(len(classes)) >= len(classes) - OFFICIAL_TEST_IMAGES
    query, database = (rng.permutation(np.flatnonzero(unseen & part)) for part in (test, ~test))
    return Split(train=other.permutation(np.flatnonzero(~unseen & ~test)), query=query, database=database)


def wanted_sums() -> dict[str, str]:
    """The published md5 of each of the seven files."""
    return {**BATCHES_MD5, **META_MD5}


def check_sums(folder: Path, origin: Path, way_out: str) -> None:
    """Compare all seven files in ``folder``, which came from ``origin``, with the published checksums.

    Raises:
        UsageError: a file differs; the message names it, its checksum and the published one.
    """
    for name, md5 in wanted_sums().items():
        actual = file_sum(folder / name, "md5")
        if actual != md5:
            raise UsageError(f"CIFAR-10: {origin / name} is damaged: its md5 is {actual}, wanted {md5}; {way_out}")


def adopt(source: Path, stage: Path) -> Path:
    """Copy the seven files into ``stage`` from their folder, its parent or the archive; returns where they came from.

    Raises:
        UsageError: ``source`` has neither files nor archive, or the archive has another checksum.
    """
    for folder in (source, source / FOLDER):
        if all((folder / name).is_file() for name in wanted_sums()):
            (stage / FOLDER).mkdir()
            for name in wanted_sums():
                shutil.copyfile(folder / name, stage / FOLDER / name)
            return folder
    archive = source if source.is_file() else source / ARCHIVE
    if not archive.is_file():
        raise UsageError(
            f"CIFAR-10: {source} holds neither the files {', '.join(wanted_sums())} (also looked for in {FOLDER}/) "
            f"nor {ARCHIVE}"
        )
    actual = file_sum(archive, "md5")
    if actual != ARCHIVE_MD5:
        raise UsageError(f"CIFAR-10: {archive} has md5 {actual}, wanted {ARCHIVE_MD5}; get it anew")
    unpack(archive, stage)
    return archive


class BatchUnpickler(pickle.Unpickler):
    """Reads numpy arrays, of which the batches consist, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np.zeros(0).__reduce__()[0]  # its module differs between numpy versions
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"a CIFAR-10 batch has no use for {module}.{name}")


def read_batch(path: Path) -> dict[bytes, Any]:
    """One batch: b"data" uint8 [n, 3072] (red, green, blue planes) and b"labels", a list of class numbers."""
    batch: dict[bytes, Any] = BatchUnpickler(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    return batch
