"""Audits a protocol: counts of its items and labels, duplicate images, and queries that leak into other sets."""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.data.image_files import ImageFileDataset
from hashbench.data.protocol_card import ProtocolCard
from hashbench.data.same_images import Groups, pixel_sums, same_images
from hashbench.data.vector_survey import survey
from hashbench.dataset import Dataset, Items, Split
from hashbench.evaluation.evaluate import evaluate
from hashbench.evaluation.headline import HEADLINE_K
from hashbench.util.files import name_with_key, replacing
from hashbench.util.storage import make_folder

MAX_EXAMPLES = 5
LEAK_TARGETS = ("database", "train")  # index sets that no image of a query should be in


@dataclass(frozen=True)
class Audit:
    """The audit of a protocol, as ``hashbench data verify`` prints and stores it.

    Attributes:
        card: the protocol card's id.
        protocol, title, source: names of protocol and data set, and the citation.
        listed: number of items on the published list, in all and per index set, missing images included.
        unlabelled: how many of the listed have no label.
        missing: how many of the listed have no image on disk.
        distinct: number of items, each counted once whatever index sets it is in: "missing", of those of any index set;
            "leaking", of the queries with identical pixels in the database or the training set.
        sizes: items of each index set whose image is on disk.
        labels: {label: {index set: number of items with it}}, of the items on disk.
        chance: mAP by chance (all items tie) at each cut-off; None where no query has a relevant item.
        unanswerable: number of queries without a relevant item in the database, among those on disk ("count") and
            as listed, with names of the first on disk.
        duplicates: number of images with identical pixels, by the pair of index sets, with names of the first.
        sums: checksums (sha256) of content, labels and index sets.
        missing_images: "names" of all items on the list without an image on disk, and likely "causes" with an example.
        broken_images: what is wrong with each image that cannot be decoded, by its file.
        notes: lines on what looks wrong in the files of lists and labels.
        items: what an item is, "image" or "vector".
    """

    card: str
    protocol: str
    title: str
    source: str
    listed: dict[str, int]
    unlabelled: dict[str, int]
    missing: dict[str, int]
    distinct: dict[str, int]
    sizes: dict[str, int]
    labels: dict[str, dict[str, int]]
    chance: dict[str, float] | None
    unanswerable: dict[str, Any]
    duplicates: dict[str, dict[str, Any]]
    sums: dict[str, str]
    missing_images: dict[str, Any]
    broken_images: dict[str, str]
    notes: list[str]
    items: str = "image"

    def faults(self) -> list[str]:
        """Reasons why results differ from those of the published protocol, a phrase each; empty if there are none."""
        counts = {
            "images are missing": self.distinct["missing"],
            "images cannot be decoded": len(self.broken_images),
            "queries have no relevant item": self.unanswerable["listed"] if self.labels else 0,
            "queries leak": self.distinct["leaking"],
        }
        return [f"{count:,} {what}" for what, count in counts.items() if count]

    def facts(self) -> dict[str, Any]:
        """The audit as a dictionary for JSON."""
        return asdict(self)


def audit(dataset: Dataset, card: ProtocolCard, split: Split, cache: Path) -> Audit:
    """The audit of a protocol. Every image is decoded once per content of the data set; broken ones are named.

    Args:
        dataset: opened under the protocol.
        card: its card.
        split: its index sets without missing images.
        cache: folder of the cache, for checksums of decoded images.
    """
    labels, present = dataset.labels(), dataset.present()
    everything = {"all": np.arange(len(dataset), dtype=np.int64), **dataset.split().parts()}
    parts, has_label = split.parts(), np.asarray(labels.any(axis=1))
    pixels = pixel_sums(dataset, cache)
    groups = pixels.groups()
    chance, unanswerable = _chance_scores(labels, split, card.cutoff), _unanswerable(labels, split)
    return Audit(
        card=card.id,
        protocol=card.protocol,
        title=dataset.title,
        source=dataset.source,
        listed={name: len(items) for name, items in everything.items()},
        unlabelled={name: int((~has_label[items]).sum()) for name, items in everything.items()},
        missing={name: int((~present[items]).sum()) for name, items in everything.items()},
        distinct={
            "missing": len(_items_of(dataset.split())) - len(_items_of(split)),
            "leaking": len(_also_in(split.query, np.concatenate([split.database, split.train]), groups)),
        },
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
        duplicates=_duplicates(dataset, split, groups),
        sums={
            "content": card.content,
            "labels": hashlib.sha256(np.packbits(labels).tobytes()).hexdigest(),
            **{name: hashlib.sha256(items.astype("<i8").tobytes()).hexdigest() for name, items in parts.items()},
        },
        missing_images=_missing_images(dataset),
        broken_images=pixels.broken,
        notes=dataset.notes(),
        items="image" if dataset.vectors() is None else "vector",
    )


def write_audit(result: Audit, cache: Path) -> Path:
    """Write an audit to ``cards/<protocol>-<card id>.json`` under ``cache``; returns the file.

    Names of missing images are also written to a file of their own, a line each; see :func:`missing_list`.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", result.protocol)
    file = cache / "cards" / f"{name_with_key(name, result.card)}.json"
    make_folder(file.parent)
    with replacing(file) as work:
        work.write_text(json.dumps(result.facts(), indent=1) + "\n")
    if names := result.missing_images["names"]:
        with replacing(missing_list(file)) as work:
            work.write_bytes(b"".join(os.fsencode(name) + b"\n" for name in names))
    return file


def missing_list(file: Path) -> Path:
    """The list of missing images beside the file of an audit."""
    return file.with_name(f"{file.stem}-missing.txt")


def _missing_images(dataset: Dataset) -> dict[str, Any]:
    names = dataset.names(np.flatnonzero(~dataset.present()).astype(np.int64))
    near = dataset.near_misses() if isinstance(dataset, ImageFileDataset) else []
    return {"names": names, "causes": [asdict(each) for each in near]}


def leaks(split: Split, groups: Groups) -> dict[str, int]:
    """Number of queries with an image of identical pixels in the database, and in the training set."""
    return {f"query_in_{name}": len(_also_in(split.query, getattr(split, name), groups)) for name in LEAK_TARGETS}


def found_leaks(dataset: Dataset, card: ProtocolCard, split: Split, cache: Path) -> dict[str, int]:
    """The same of a protocol: of images by their pixels, of vectors by their numbers, as its survey has them.

    Raises:
        BrokenFiles: images cannot be decoded; names all of them.
    """
    surveyed = survey(dataset, card, cache)
    return leaks(split, same_images(dataset, cache)) if surveyed is None else surveyed.leaks()


def _items_of(split: Split) -> Items:
    """The items of all index sets, each once."""
    return np.unique(np.concatenate(list(split.parts().values())))


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
