"""The audit of a protocol: what its numbers stand on, and the leaks that would spoil them."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.data.decode import decoding_sources
from hashbench.data.images import DECODED
from hashbench.data.protocol_card import ProtocolCard
from hashbench.dataset import Dataset, Items, Log, Split
from hashbench.evaluation.evaluate import evaluate
from hashbench.evaluation.metrics import HEADLINE_K
from hashbench.util.files import file_sum, replacing
from hashbench.util.progress import Progress

SUM_BYTES = 16
EXAMPLES = 5
LEAKY = ("database", "train")  # where a query's image should not be

Groups = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Audit:
    """What ``hashbench data verify`` prints and keeps.

    Attributes:
        card: the protocol card's id.
        protocol, title, source: what it is.
        listed: items on the published list, in all and per index set, absent images included.
        unlabelled: how many of the listed have no label.
        missing: how many of the listed have no image here.
        sizes: what is left of each index set.
        labels: {label: {index set: items that bear it}}, of what is left.
        chance: value of mAP by chance (all items tie) at each cut-off; None without an answerable query.
        unanswerable: queries without a relevant item in the database, of what is left and as listed, with names of
            the first of what is left.
        duplicates: images of the very same pixels, by the pair of index sets, with names of the first.
        sums: sha256 of content, labels and index sets.
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
        """What keeps numbers from being those of the protocol, a phrase each; empty for a sound one."""
        missing = sum(self.missing[name] for name in self.sizes)
        leaking = sum(self.duplicates[f"query_in_{name}"]["count"] for name in LEAKY)
        found = {
            "images are missing": missing,
            "queries have no relevant item": self.unanswerable["listed"],
            "queries leak": leaking,
        }
        return [f"{count:,} {what}" for what, count in found.items() if count]

    def facts(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def audit(dataset: Dataset, card: ProtocolCard, split: Split, cache: Path) -> Audit:
    """Examine a protocol; decodes every image once per content.

    Args:
        dataset: opened under the protocol.
        card: its card.
        split: its index sets, of what is here.
        cache: where image sums are remembered.
    """
    labels, present = dataset.labels(), dataset.present()
    everything = {"all": np.arange(len(dataset), dtype=np.int64), **dataset.split().parts()}
    parts, has_label = split.parts(), np.asarray(labels.any(axis=1))
    chance, unanswerable = _by_chance(labels, split, card.cutoff), _unanswerable(labels, split)
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
            "first": dataset.names(unanswerable[:EXAMPLES]),
        },
        duplicates=_duplicates(dataset, split, same_images(dataset, cache)),
        sums={
            "content": card.content,
            "labels": hashlib.sha256(np.packbits(labels).tobytes()).hexdigest(),
            **{name: hashlib.sha256(items.astype("<i8").tobytes()).hexdigest() for name, items in parts.items()},
        },
    )


def keep(found: Audit, cache: Path) -> Path:
    """Store an audit as ``cards/<protocol>-<card id>.json`` under ``cache``; answers where."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", found.protocol)
    file = cache / "cards" / f"{name}-{found.card}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as work:
        work.write_text(json.dumps(found.facts(), indent=1) + "\n")
    return file


def leaks(split: Split, groups: Groups) -> dict[str, int]:
    """How many queries have an image of the very same pixels in the database and in the training set."""
    return {f"query_in_{name}": len(_found_in(split.query, getattr(split, name), groups)) for name in LEAKY}


def same_images(dataset: Dataset, cache: Path) -> Groups:
    """Group numbers [items], equal for images of the very same pixels; those that are not here share one.

    Sums of the decoded images are remembered under ``cache`` by the images' content and the code that decodes them, so
    that protocols share them. A damaged memory is made again.

    Raises:
        UsageError: an image cannot be decoded; names it.
    """
    made_from = [dataset.image_content(), *sorted(file_sum(file) for file in decoding_sources(dataset))]
    file = cache / "pixels" / f"{hashlib.sha256(''.join(made_from).encode()).hexdigest()[:32]}.bin"
    sums = _remembered(file, len(dataset), dataset.log)
    if sums is None:
        sums = _pixel_sums(dataset)
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as work:
            work.write_bytes(hashlib.sha256(sums.tobytes()).digest() + sums.tobytes())
    _, groups = np.unique(sums.view(f"V{SUM_BYTES}")[:, 0], return_inverse=True)
    return groups.astype(np.int64)


def _remembered(file: Path, items: int, log: Log) -> npt.NDArray[np.uint8] | None:
    """Uint8 [items, 16] as they were written behind their own sha256, None where they are not there or damaged."""
    if not file.exists():
        return None
    whole = file.read_bytes()
    digest, kept = whole[:32], whole[32:]
    if hashlib.sha256(kept).digest() != digest or len(kept) != items * SUM_BYTES:
        log(f"the remembered sums of images {file} are damaged; made again")
        return None
    return np.frombuffer(kept, dtype=np.uint8).reshape(items, SUM_BYTES)


def _pixel_sums(dataset: Dataset) -> npt.NDArray[np.uint8]:
    """Uint8 [items, 16], zeros where the image is not here."""
    sums = np.zeros((len(dataset), SUM_BYTES), dtype=np.uint8)
    present = np.flatnonzero(dataset.present()).astype(np.int64)
    progress = Progress(len(present), lambda line: dataset.log(f"looking for leaks in {dataset.title}: {line}"))
    for start in range(0, len(present), DECODED):
        items = present[start : start + DECODED]
        for item, image in zip(items.tolist(), dataset.images(items), strict=True):
            digest = hashlib.blake2b(repr(tuple(image.shape)).encode(), digest_size=SUM_BYTES)
            digest.update(image.contiguous().numpy().data)
            sums[item] = np.frombuffer(digest.digest(), dtype=np.uint8)
        progress.done(len(items))
    return sums


def _found_in(items: Items, others: Items, groups: Groups) -> Items:
    """The items whose pixels are also those of one of the ``others``."""
    return items[np.isin(groups[items], groups[others])]


def _duplicates(dataset: Dataset, split: Split, groups: Groups) -> dict[str, dict[str, Any]]:
    outside = split.train[~np.isin(split.train, split.database)]
    found = {f"query_in_{name}": (_found_in(split.query, getattr(split, name), groups), name) for name in LEAKY}
    found["train_in_database"] = (_found_in(outside, split.database, groups), "database")
    return {
        kind: {
            "count": len(items),
            "first": [_twins(dataset, item, getattr(split, name), groups) for item in items[:EXAMPLES].tolist()],
        }
        for kind, (items, name) in found.items()
    }


def _twins(dataset: Dataset, item: int, others: Items, groups: Groups) -> list[str]:
    """Names of an item and of the first of the others that shows the same."""
    return dataset.names(np.array([item, others[groups[others] == groups[item]][0]]))


def _unanswerable(labels: npt.NDArray[np.bool_], split: Split) -> Items:
    """The queries that share no label with an item of the database."""
    answerable = (labels[split.query] & labels[split.database].any(axis=0)).any(axis=1)
    return split.query[~answerable]


def _by_chance(labels: npt.NDArray[np.bool_], split: Split, cutoff: int | None) -> dict[str, float] | None:
    """Mean average precision when all items tie, by cut-off; None where no query can be answered.

    Codes of one constant bit make every ranking a tie.
    """
    if len(_unanswerable(labels, split)) == len(split.query):
        return None
    query, database = (np.zeros((len(items), 1), dtype=np.bool_) for items in (split.query, split.database))
    scores = evaluate(query, database, labels[split.query], labels[split.database], cutoff, "cpu")
    names = [f"map@{k}" for k in dict.fromkeys((HEADLINE_K, cutoff, "all")) if k is not None]
    return {name: float(scores.metrics[name] or 0.0) for name in names}
