"""Ground truth for codes that were made elsewhere: labels and items as given, and the protocol card of their table."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hashbench.codes import Codes
from hashbench.data.protocol_card import ProtocolCard, card_id
from hashbench.dataset import Items
from hashbench.errors import UsageError
from hashbench.evaluation.relevance import class_count, has_label, label_pair, packed_rows
from hashbench.external.labels import ClassesOrHot, check_shared
from hashbench.external.own_items import NONE, rows_by_content, rows_by_number
from hashbench.records.trial_spec import EXTERNAL_DATASET
from hashbench.search.backend import LabelPair

PARTS = ("query", "database")
LEFT_OUT = "left_out"  # on the card: how many queries do not find their own item


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
        labels: bool [n, classes], or class numbers, int64 [n].
        items: item numbers, int64 [n].
        rows: the given row of each item, int64 [n].
        own: for each query the row of the database that is the query itself, int64 [q], -1 for none; None where that is
            not known.
        leave_one_out: that row is left out of the query's ranking.
        notes: lines on what was taken for granted.
    """

    dataset: str
    protocol: str
    card: Mapping[str, Any]
    labels: LabelPair
    items: tuple[Items, Items]
    rows: tuple[Items, Items]
    own: Items | None = None
    leave_one_out: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def labels_as_given(self) -> LabelPair:
        """The labels in the order of the given rows."""
        query, database = (side[np.argsort(rows)] for side, rows in zip(self.labels, self.rows, strict=True))
        return query, database


def ground_truth_from_labels(
    given: ProvidedLabels, table: str, cutoff: int | None, leave_one_out: bool = False
) -> GroundTruth:
    """A table of all codes with these labels in this order: ``scored/<table>-<sum of labels and items>``.

    Without item numbers queries are 0, 1, ... and the database goes on from there.

    Args:
        given: labels of both parts.
        table: what to call it; letters, digits, - and _.
        cutoff: also score mAP at it.
        leave_one_out: no query finds itself: its own item is left out of its ranking.

    Raises:
        UsageError: labels are missing or do not fit each other, the name cannot be, or there is no item to leave out.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", table):
        raise UsageError(f"--table is {table!r}, wanted letters, digits, - and _")
    for part in PARTS:
        if part not in given.labels:
            raise UsageError(f"no {part}_labels were given; add them, or name the codes' protocol with --protocol")
    query, database = (given.sizes[part] for part in PARTS)
    try:
        labels = label_pair(given.labels["query"], given.labels["database"], query, database)
    except ValueError as error:
        raise UsageError(str(error)) from None
    check_shared(given.labels["query"], given.labels["database"])
    counted = np.arange(query + database, dtype=np.int64)
    items = given.items.get("query", counted[:query]), given.items.get("database", counted[query:])
    rows = counted[:query], counted[:database]
    own = rows_by_number(*items) if len(given.items) == len(PARTS) else None
    twice = 0 if own is None else int((own != NONE).sum())
    if leave_one_out and not twice:
        why = "none was given" if own is None else "no query has one of the database's"
        raise UsageError(f"--leave-one-out goes by item numbers, and {why}; give query_items and database_items")
    card = _card(table, labels, items, cutoff, leave_one_out)
    facts = {**card.facts(), "leaks": None if own is None else known_leaks(twice)}
    facts |= {LEFT_OUT: twice} if leave_one_out else {}
    notes = [_note(twice)] if twice and not leave_one_out else []
    return GroundTruth(EXTERNAL_DATASET, card.protocol, facts, labels, items, rows, own, leave_one_out, notes)


def with_own_rows_by_content(truth: GroundTruth, codes: tuple[Codes, Codes]) -> GroundTruth:
    """The same, its queries found in the database where no item numbers were given and codes leave no doubt.

    Args:
        truth: of labels.
        codes: of queries and database, in its order.
    """
    own = None if truth.own is not None else rows_by_content(codes, truth.labels)
    if own is None:
        return truth
    note = (
        f"all {len(own):,} queries are also in the database, with the same codes and labels: each finds itself; give "
        "query_items and database_items, and --leave-one-out to take a query's own item out of its ranking"
    )
    facts = {**truth.card, "leaks": known_leaks(len(own))}
    return replace(truth, card=facts, own=own, notes=[*truth.notes, note])


def known_leaks(queries: int) -> dict[str, int | None]:
    """The card's leaks where as many queries are in the database; the training set of such codes is not known."""
    return {"query_in_database": queries, "query_in_train": None}


def _note(twice: int) -> str:
    return (
        f"{twice:,} queries are also in the database, by their item numbers: each finds itself; "
        "--leave-one-out takes a query's own item out of its ranking"
    )


def _card(
    table: str, labels: LabelPair, items: tuple[Items, Items], cutoff: int | None, leave_one_out: bool
) -> ProtocolCard:
    classes = class_count(labels)
    digest = hashlib.sha256(json.dumps([(len(each), classes) for each in labels]).encode())
    for each in labels:
        for rows in packed_rows(each, classes):
            digest.update(rows.tobytes())
    for numbers in items:
        digest.update(numbers.astype("<i8").tobytes())
    if leave_one_out:
        digest.update(b"leave one out")
    content = digest.hexdigest()
    protocol = f"{EXTERNAL_DATASET}/{table}-{content[:8]}"
    return ProtocolCard(
        id=card_id(protocol, cutoff, content),
        protocol=protocol,
        content=content,
        sizes={"query": len(labels[0]), "database": len(labels[1]), "train": 0},
        missing={"query": 0, "database": 0, "train": 0},
        unlabelled={
            **{part: int((~has_label(each)).sum()) for part, each in zip(PARTS, labels, strict=True)},
            "train": 0,
        },
        classes=classes,
        cutoff=cutoff,
    )
