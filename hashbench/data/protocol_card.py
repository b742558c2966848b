"""Protocol cards: the id and the counts of a protocol on the images that are on disk."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hashbench.dataset import Dataset, Split
from hashbench.evaluation.headline import NEIGHBOURS_K

SHARED_LABEL = "share a label"


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
        relevance: of neighbours: {"kind": "neighbours", "distance": "l2", "k": 100}; None where labels say what is.
        vectors: what was counted in the vectors of a data set that has no images; None where it has.
    """

    id: str
    protocol: str
    content: str
    sizes: dict[str, int]
    missing: dict[str, int]
    unlabelled: dict[str, int]
    classes: int
    cutoff: int | None
    relevance: dict[str, Any] | None = None
    vectors: dict[str, Any] | None = None

    def facts(self) -> dict[str, Any]:
        """The card as a dictionary for the record, which has the protocol elsewhere."""
        facts = {name: value for name, value in asdict(self).items() if name != "protocol"}
        return {
            name: value for name, value in facts.items() if value is not None or name not in ("relevance", "vectors")
        }


def card_id(protocol: str, cutoff: int | None, content: str, *contents: bytes, rule: str = SHARED_LABEL) -> str:
    """The id of a card: sixteen digits of the hash of its protocol, cut-off, relevance rule and contents."""
    digest = hashlib.sha256(json.dumps([protocol, cutoff, rule, content]).encode())
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
        id=card_id(protocol_id, cutoff, content, *index_sets, np.packbits(labels).tobytes(), rule=_rule(dataset)),
        protocol=protocol_id,
        content=content,
        sizes={name: len(items) for name, items in parts.items()},
        missing={name: len(items) - len(parts[name]) for name, items in published.parts().items()},
        unlabelled={name: int((~has_label[items]).sum()) for name, items in parts.items()},
        classes=labels.shape[1],
        cutoff=cutoff,
        relevance=None
        if dataset.distance is None
        else {"kind": "neighbours", "distance": dataset.distance, "k": NEIGHBOURS_K},
    )
    return card, split


def _rule(dataset: Dataset) -> str:
    return SHARED_LABEL if dataset.distance is None else f"the {NEIGHBOURS_K} nearest by {dataset.distance}"
