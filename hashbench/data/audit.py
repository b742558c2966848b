"""Audits a protocol: counts of its items and labels, duplicate images, and queries that leak into other sets."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.data.decode import decoding_id
from hashbench.data.images import DECODE_CHUNK_IMAGES
from hashbench.data.protocol_card import ProtocolCard
from hashbench.dataset import Dataset, Items, Split
from hashbench.evaluation.evaluate import evaluate
from hashbench.evaluation.headline import HEADLINE_K
from hashbench.util.files import name_with_key, replacing
from hashbench.util.progress import Log, Progress
from hashbench.util.storage import make_folder

SUM_BYTES = 16
MAX_EXAMPLES = 5
LEAK_TARGETS = ("database", "train")  # index sets that no image of a query should be in

Groups = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Audit:
    """The audit of a protocol, as ``hashbench data verify`` prints and stores it.

    Attributes:
        card: the protocol card's id.
        protocol, title, source: names of protocol and data set, and the citation.
        listed: number of items on the published list, in all and per index set, missing images included.
        unlabelled: how many of the listed have no label.
        missing: how many of the listed have no image on disk.
        sizes: items of each index set whose image is on disk.
        labels: {label: {index set: number of items with it}}, of the items on disk.
        chance: mAP by chance (all items tie) at each cut-off; None where no query has a relevant item.
        unanswerable: number of queries without a relevant item in the database, among those on disk ("count") and
            as listed, with names of the first on disk.
        duplicates: number of images with identical pixels, by the pair of index sets, with names of the first.
        sums: checksums (sha256) of content, labels and index sets.
    """

    card: str
    protocol: str
    title: str
    source: str
    listed: dict[str, int]
    unlabelled: dict[str, int]
    missing: dict[str, int]
    sizes: dict[str, int]
    labels: dict[str, dict[str, int]]
    chance: dict[str, float] | None
    unanswerable: dict[str, Any]
    duplicates: dict[str, dict[str, Any]]
    sums: dict[str, str]

    def faults(self) -> list[str]:
        """Reasons why results differ from those of the published protocol, a phrase each; empty if there are none."""
        missing = sum(self.missing[name] for name in self.sizes)
        leaking = sum(self.duplicates[f"query_in_{name}"]["count"] for name in LEAK_TARGETS)
        counts = {
            "images are missing": missing,
            "queries have no relevant item": self.unanswerable["listed"],
            "queries leak": leaking,
        }
        return [f"{count:,} {what}" for what, count in counts.items() if count]

    def facts(self) -> dict[str, Any]:
        """The audit as a dictionary for JSON."""
        return asdict(self)


def audit(dataset: Dataset, card: ProtocolCard, split: Split, cache: Path) -> Audit:
    """The audit of a protocol. Every image is decoded once per content of the data set.

    Args:
        dataset: opened under the protocol.
        card: its card.
        split: its index sets without missing images.
        cache: folder of the cache, for checksums of decoded images.
    """
    labels, present = dataset.labels(), dataset.present()
    everything = {"all": np.arange(len(dataset), dtype=np.int64), **dataset.split().parts()}
    parts, has_label = split.parts(), np.asarray(labels.any(axis=1))
    chance, unanswerable = _chance_scores(labels, split, card.cutoff), _unanswerable(labels, split)
    return Audit(
        card=card.id,
        protocol=card.protocol,
        title=dataset.title,
        source=dataset.source,
        listed={name: len(items) for name, items in everything.items()},
        unlabelled={name: int((~has_label[items]).sum()) for name, items in everything.items()},
        missing={name: int((~present[items]).sum()) for name, items in everything.items()},
        sizes=card.sizes,
        labels={
            label: {name: int(labels[items, column].sum()) for name, items in parts.items()}
            for column, label in enumerate(dataset.classes())
        },
        chance=chance,
        unanswerable={
            "count": len(unanswerable),
            "listed": len(_unanswerable(labels, dataset.split())),
            "first": dataset.names(unanswerable[:MAX_EXAMPLES]),
        },
        duplicates=_duplicates(dataset, split, same_images(dataset, cache)),
        sums={
            "content": card.content,
            "labels": hashlib.sha256(np.packbits(labels).tobytes()).hexdigest(),
            **{name: hashlib.sha256(items.astype("<i8").tobytes()).hexdigest() for name, items in parts.items()},
        },
    )


def write_audit(result: Audit, cache: Path) -> Path:
    """Write an audit to ``cards/<protocol>-<card id>.json`` under ``cache``; returns the file."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", result.protocol)
    file = cache / "cards" / f"{name_with_key(name, result.card)}.json"
    make_folder(file.parent)
    with replacing(file) as work:
        work.write_text(json.dumps(result.facts(), indent=1) + "\n")
    return file


def leaks(split: Split, groups: Groups) -> dict[str, int]:
    """Number of queries with an image of identical pixels in the database, and in the training set."""
    return {f"query_in_{name}": len(_also_in(split.query, getattr(split, name), groups)) for name in LEAK_TARGETS}


def same_images(dataset: Dataset, cache: Path) -> Groups:
    """Group numbers [items], equal for images of identical pixels; missing images share one group.

    Checksums of the decoded images are cached by the images' content and the code that decodes them, so that protocols
    share them. A damaged file of the cache is made again.

    Raises:
        UsageError: an image cannot be decoded; names it.
    """
    made_from = dataset.image_content() + decoding_id(dataset)
    file = cache / "pixels" / f"{hashlib.sha256(made_from.encode()).hexdigest()[:32]}.bin"
    sums = _cached_sums(file, len(dataset), dataset.log)
    if sums is None:
        sums = _pixel_sums(dataset)
        make_folder(file.parent)
        with replacing(file) as work:
            work.write_bytes(hashlib.sha256(sums.tobytes()).digest() + sums.tobytes())
    _, groups = np.unique(sums.view(f"V{SUM_BYTES}")[:, 0], return_inverse=True)
    return groups.astype(np.int64)


def _cached_sums(file: Path, items: int, log: Log) -> npt.NDArray[np.uint8] | None:
    """Uint8 [items, 16] from a file that begins with their sha256; None where it is absent or damaged."""
    if not file.exists():
        return None
    content = file.read_bytes()
    digest, sums = content[:32], content[32:]
    if hashlib.sha256(sums).digest() != digest or len(sums) != items * SUM_BYTES:
        log(f"the cached checksums of images {file} are damaged; computed again")
        return None
    return np.frombuffer(sums, dtype=np.uint8).reshape(items, SUM_BYTES)


def _pixel_sums(dataset: Dataset) -> npt.NDArray[np.uint8]:
    """Checksums of decoded images, uint8 [items, 16]; zeros for missing images."""
    sums = np.zeros((len(dataset), SUM_BYTES), dtype=np.uint8)
    present = np.flatnonzero(dataset.present()).astype(np.int64)
    progress = Progress(len(present), lambda line: dataset.log(f"looking for leaks in {dataset.title}: {line}"))
    for start in range(0, len(present), DECODE_CHUNK_IMAGES):
        items = present[start : start + DECODE_CHUNK_IMAGES]
        for item, image in zip(items.tolist(), dataset.images(items), strict=True):
            digest = hashlib.blake2b(repr(tuple(image.shape)).encode(), digest_size=SUM_BYTES)
            digest.update(image.contiguous().numpy().data)
            sums[item] = np.frombuffer(digest.digest(), dtype=np.uint8)
        progress.done(len(items))
    return sums


def _also_in(items: Items, others: Items, groups: Groups) -> Items:
    """The items whose pixels are identical to those of one of the ``others``."""
    return items[np.isin(groups[items], groups[others])]


def _duplicates(dataset: Dataset, split: Split, groups: Groups) -> dict[str, dict[str, Any]]:
    outside = split.train[~np.isin(split.train, split.database)]
    pairs = {f"query_in_{name}": (_also_in(split.query, getattr(split, name), groups), name) for name in LEAK_TARGETS}
    pairs["train_in_database"] = (_also_in(outside, split.database, groups), "database")
    return {
        kind: {
            "count": len(items),
            "first": [
                _pair_names(dataset, item, getattr(split, name), groups) for item in items[:MAX_EXAMPLES].tolist()
            ],
        }
        for kind, (items, name) in pairs.items()
    }


def _pair_names(dataset: Dataset, item: int, others: Items, groups: Groups) -> list[str]:
    """Names of an item and of the first of the others with identical pixels."""
    return dataset.names(np.array([item, others[groups[others] == groups[item]][0]]))


def _unanswerable(labels: npt.NDArray[np.bool_], split: Split) -> Items:
    """The queries that share no label with an item of the database."""
    answerable = (labels[split.query] & labels[split.database].any(axis=0)).any(axis=1)
    return split.query[~answerable]


def _chance_scores(labels: npt.NDArray[np.bool_], split: Split, cutoff: int | None) -> dict[str, float] | None:
    """Mean average precision when all items tie, by cut-off; None where no query has a relevant item."""
    if len(_unanswerable(labels, split)) == len(split.query):
        return None
    # Codes of one constant bit make every ranking a tie.
    query, database = (np.zeros((len(items), 1), dtype=np.bool_) for items in (split.query, split.database))
    scores = evaluate(query, database, labels[split.query], labels[split.database], cutoff, "cpu")
    names = [f"map@{k}" for k in dict.fromkeys((HEADLINE_K, cutoff, "all")) if k is not None]
    return {name: float(scores.metrics[name] or 0.0) for name in names}
