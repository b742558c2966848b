"""Protocol cards: the id and the counts of a protocol on the images that are on disk."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hashbench.dataset import Dataset, Split


@dataclass(frozen=True)
class ProtocolCard:
    """A protocol on the images that are on disk.

    Attributes:
        id: hash of protocol, cut-off, content, labels and index sets; results of different ids are not comparable.
        protocol: "cifar10/bgan".
        content: checksum of the data set's content.
        sizes: number of queries, database and training items whose images are on disk.
        missing: number of each that were dropped because their images are missing.
        unlabelled: number of each that have no label.
        classes: number of label columns.
        cutoff: customary k of mAP@k, or None.
    """

    id: str
    protocol: str
    content: str
    sizes: dict[str, int]
    missing: dict[str, int]
    unlabelled: dict[str, int]
    classes: int
    cutoff: int | None

    def facts(self) -> dict[str, Any]:
        """The card as a dictionary for the record, which has the protocol elsewhere."""
        return {name: value for name, value in asdict(self).items() if name != "protocol"}


def card_id(protocol: str, cutoff: int | None, content: str, *contents: bytes) -> str:
    """The id of a card: sixteen digits of the hash of its protocol, cut-off, relevance rule and contents."""
    digest = hashlib.sha256(json.dumps([protocol, cutoff, "share a label", content]).encode())
    for each in contents:
        digest.update(each)
    return digest.hexdigest()[:16]


def make_card(dataset: Dataset, protocol_id: str) -> tuple[ProtocolCard, Split]:
    """The card of the protocol that a data set was opened under, and its index sets without missing images.

    Reads labels, index sets and checksums; decodes no image.
    """
    published, present, labels = dataset.split(), dataset.present(), dataset.labels()
    split = published.among(present)
    content, cutoff = dataset.content(), dataset.protocol.cutoff
    index_sets = [items.astype("<i8").tobytes() for items in (split.train, split.query, split.database)]
    parts, has_label = split.parts(), np.asarray(labels.any(axis=1))
    card = ProtocolCard(
        id=card_id(protocol_id, cutoff, content, *index_sets, np.packbits(labels).tobytes()),
        protocol=protocol_id,
        content=content,
        sizes={name: len(items) for name, items in parts.items()},
        missing={name: len(items) - len(parts[name]) for name, items in published.parts().items()},
        unlabelled={name: int((~has_label[items]).sum()) for name, items in parts.items()},
        classes=labels.shape[1],
        cutoff=cutoff,
    )
    return card, split
