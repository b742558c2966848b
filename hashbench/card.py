"""Protocol cards: what a protocol is made of, its id, and its leaks by image content."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hashbench.dataset import Dataset, Items, Protocol, Split
from hashbench.files import replacing

HASH_BLOCK = 2048


@dataclass(frozen=True)
class Card:
    """A protocol on the data that is here.

    Attributes:
        id: hash of everything below and of the index sets; numbers with other ids are not comparable.
        protocol: "cifar10/bgan".
        content: checksum of the data set's content.
        sizes: queries, database and training items.
        classes: number of label columns.
        cutoff: customary k of mAP@k, or None.
    """

    id: str
    protocol: str
    content: str
    sizes: dict[str, int]
    classes: int
    cutoff: int | None

    def facts(self) -> dict[str, Any]:
        """For the record."""
        return {name: value for name, value in asdict(self).items() if name != "protocol"}


def make_card(dataset: Dataset, protocol_id: str, protocol: Protocol, split: Split) -> Card:
    """The card of a protocol; reads labels and index sets, no images."""
    labels = dataset.labels(protocol)
    digest = hashlib.sha256(json.dumps([protocol_id, protocol.cutoff, "share a label", dataset.content()]).encode())
    for items in (split.train, split.query, split.database):
        digest.update(np.ascontiguousarray(items, dtype="<i8").tobytes())
    digest.update(np.packbits(labels).tobytes())
    sizes = {"query": len(split.query), "database": len(split.database), "train": len(split.train)}
    return Card(digest.hexdigest()[:16], protocol_id, dataset.content(), sizes, labels.shape[1], protocol.cutoff)


def leaks(dataset: Dataset, card: Card, split: Split, cache: Path) -> dict[str, Any]:
    """How many queries have an image of the very same pixels in the database and in the training set.

    Decodes every image once per card; the answer is kept under ``cache``.
    """
    file = cache / "leaks" / f"{card.id}.json"
    if file.exists():
        kept: dict[str, Any] = json.loads(file.read_text())
        return kept
    everything = np.union1d(np.union1d(split.query, split.database), split.train)
    sums = dict(zip(everything.tolist(), _image_sums(dataset, everything), strict=True))
    database, train = ({sums[item] for item in items.tolist()} for items in (split.database, split.train))
    query = [sums[item] for item in split.query.tolist()]
    found = {
        "query_in_database": sum(value in database for value in query),
        "query_in_train": sum(value in train for value in query),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as work:
        work.write_text(json.dumps(found))
    return found


def _image_sums(dataset: Dataset, items: Items) -> list[bytes]:
    sums: list[bytes] = []
    for start in range(0, len(items), HASH_BLOCK):
        block = dataset.images(items[start : start + HASH_BLOCK])
        sums += [hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest() for image in block]
    return sums
