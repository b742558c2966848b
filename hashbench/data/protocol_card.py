"""Protocol cards: what a protocol is made of on the data that is here, and its id."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hashbench.dataset import Dataset, Split


@dataclass(frozen=True)
class ProtocolCard:
    """A protocol on the data that is here.

    Attributes:
        id: hash of everything below, of labels and index sets; numbers with other ids are not comparable.
        protocol: "cifar10/bgan".
        content: checksum of the data set's content.
        sizes: queries, database and training items whose images are here.
        missing: how many of each were dropped, their images not being here.
        unlabelled: how many of each have no label.
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
        """For the record."""
        return {name: value for name, value in asdict(self).items() if name != "protocol"}


def make_card(dataset: Dataset, protocol_id: str) -> tuple[ProtocolCard, Split]:
    """The card of the protocol a data set is opened under, and its index sets without what is missing.

    Reads labels, index sets and checksums; decodes no image.
    """
    published, present, labels = dataset.split(), dataset.present(), dataset.labels()
    split = published.among(present)
    content, cutoff = dataset.content(), dataset.protocol.cutoff
    digest = hashlib.sha256(json.dumps([protocol_id, cutoff, "share a label", content]).encode())
    for items in (split.train, split.query, split.database):
        digest.update(np.ascontiguousarray(items, dtype="<i8").tobytes())
    digest.update(np.packbits(labels).tobytes())
    parts, has_label = split.parts(), np.asarray(labels.any(axis=1))
    card = ProtocolCard(
        id=digest.hexdigest()[:16],
        protocol=protocol_id,
        content=content,
        sizes={name: len(items) for name, items in parts.items()},
        missing={name: len(items) - len(parts[name]) for name, items in published.parts().items()},
        unlabelled={name: int((~has_label[items]).sum()) for name, items in parts.items()},
        classes=labels.shape[1],
        cutoff=cutoff,
    )
    return card, split
