"""Ground truth for codes that were made elsewhere: labels and items as given, and the protocol card of their table."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.data.protocol_card import ProtocolCard, card_id
from hashbench.dataset import Items
from hashbench.errors import UsageError
from hashbench.evaluation.relevance import label_pair
from hashbench.external.labels import ClassesOrHot
from hashbench.records.trial_spec import EXTERNAL_DATASET

PARTS = ("query", "database")

MultiHot = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ProvidedLabels:
    """Labels and items as they came with the codes, checked one by one, by part ("query", "database").

    Attributes:
        sizes: how many codes there are.
        labels: class numbers or multi-hot; a part is missing where none were given.
        items: item numbers; a part is missing where none were given.
    """

    sizes: Mapping[str, int]
    labels: Mapping[str, ClassesOrHot]
    items: Mapping[str, Items]


@dataclass(frozen=True)
class GroundTruth:
    """Labels, items and the protocol card of a table; pairs are of queries and database.

    Attributes:
        dataset, protocol: as trials have them.
        card: the protocol card's facts, with its leaks.
        labels: bool [n, classes].
        items: item numbers, int64 [n].
        rows: the given row of each item, int64 [n].
        notes: lines on what was taken for granted.
    """

    dataset: str
    protocol: str
    card: Mapping[str, Any]
    labels: tuple[MultiHot, MultiHot]
    items: tuple[Items, Items]
    rows: tuple[Items, Items]
    notes: list[str] = field(default_factory=list)


def ground_truth_from_labels(given: ProvidedLabels, table: str, cutoff: int | None) -> GroundTruth:
    """A table of all codes with these labels in this order: ``scored/<table>-<sum of labels and items>``.

    Without item numbers queries are 0, 1, ... and the database goes on from there.

    Args:
        given: labels of both parts.
        table: what to call it; letters, digits, - and _.
        cutoff: also score mAP at it.

    Raises:
        UsageError: labels are missing or do not fit each other, or the name or the cutoff cannot be.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", table):
        raise UsageError(f"--table is {table!r}, wanted letters, digits, - and _")
    if cutoff is not None and cutoff < 1:
        raise UsageError(f"--cutoff is {cutoff}, wanted 1 or more")
    for part in PARTS:
        if part not in given.labels:
            raise UsageError(f"no {part}_labels were given; add them, or name the codes' protocol with --protocol")
    query, database = (given.sizes[part] for part in PARTS)
    try:
        labels = label_pair(given.labels["query"], given.labels["database"], query, database)
    except ValueError as error:
        raise UsageError(str(error)) from None
    counted = np.arange(query + database, dtype=np.int64)
    items = given.items.get("query", counted[:query]), given.items.get("database", counted[query:])
    rows = counted[:query], counted[:database]
    card = _card(table, labels, items, cutoff)
    notes = _notes(given)
    return GroundTruth(EXTERNAL_DATASET, card.protocol, {**card.facts(), "leaks": None}, labels, items, rows, notes)


def _notes(given: ProvidedLabels) -> list[str]:
    if len(given.items) < len(PARTS):
        return []
    twice = int(np.isin(given.items["query"], given.items["database"]).sum())
    return [f"{twice:,} queries are also in the database, by their item numbers"] if twice else []


def _card(
    table: str, labels: tuple[MultiHot, MultiHot], items: tuple[Items, Items], cutoff: int | None
) -> ProtocolCard:
    digest = hashlib.sha256(json.dumps([each.shape for each in labels]).encode())
    for each in labels:
        digest.update(np.packbits(each, axis=1).tobytes())
    for numbers in items:
        digest.update(numbers.astype("<i8").tobytes())
    content = digest.hexdigest()
    protocol = f"{EXTERNAL_DATASET}/{table}-{content[:8]}"
    return ProtocolCard(
        id=card_id(protocol, cutoff, content),
        protocol=protocol,
        content=content,
        sizes={"query": len(labels[0]), "database": len(labels[1]), "train": 0},
        missing={"query": 0, "database": 0, "train": 0},
        unlabelled={
            **{part: int((~each.any(axis=1)).sum()) for part, each in zip(PARTS, labels, strict=True)},
            "train": 0,
        },
        classes=labels[0].shape[1],
        cutoff=cutoff,
    )
