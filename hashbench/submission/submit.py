"""``hb.submit``: packs the codes of a result folder with a card of what is claimed of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hashbench.codes import Codes
from hashbench.dataset import Items
from hashbench.errors import UsageError
from hashbench.execution.stored_trial import StoredTrial, load_method_codes
from hashbench.plugins.registry import DATASETS, METHODS
from hashbench.records.newest import newest_records
from hashbench.records.results import results as read
from hashbench.records.store import Record
from hashbench.records.submitted import is_submitted
from hashbench.records.trial_spec import EXTERNAL_DATASET
from hashbench.reporting.leaderboard.selection import selected
from hashbench.submission.archive import write_archive
from hashbench.submission.card import CARD_FILE, Card, Entry, PackedFile, Pair, card_bytes, read_card
from hashbench.version import __version__

ENDING = ".zip"


@dataclass(frozen=True)
class Submission:
    """What was packed.

    Attributes:
        file: the archive.
        card: what it says of itself.
        left_out: a line on each record that is in no submission, and why; files that cannot be read first.
    """

    file: Path
    card: Card
    left_out: tuple[str, ...]


def submit(
    results: str | Path = "results",
    out: str | Path = "submission.zip",
    *,
    methods: str = "*",
    datasets: str = "*",
    papers: Mapping[str, str] | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> Submission:
    """Pack the codes of a result folder: ``hb.submit("results", "mine.zip", papers={"mine": "unpublished"})``.

    No images, labels or scores are packed: packed codes and item numbers of queries and database, and for each record
    a card with method, paper, what the method saw, and hyper-parameters. The same records give the same bytes.

    Args:
        results: a folder of ``hashbench run`` or ``score --protocol``.
        out: the archive to write, a .zip.
        methods: names and globs, separated by commas.
        datasets: names and globs of data sets or protocols.
        papers: authors, title, venue and year by method, where it does not name its paper itself.
        parameters: hyper-parameters by method, of codes from elsewhere.

    Raises:
        UsageError: there is nothing to pack, a method has no paper, or a file cannot be read or written.
    """
    out = Path(out)
    if out.suffix != ENDING:
        raise UsageError(f"the submission is to be written to {str(out)!r}, wanted a name that ends in {ENDING}")
    chosen = selected(read(results), methods.split(","), datasets.split(","))
    newest = newest_records(record for record in chosen.records if not record["reference"])
    left_out = {record["key"]: reason for record in newest.values() if (reason := _unfit(record))}
    packed = _Packed(papers or {}, parameters or {})
    for record in sorted(newest.values(), key=lambda one: str(chosen.files[one["key"]])):
        if record["key"] not in left_out:
            packed.add(StoredTrial(chosen.files[record["key"]], record))
    lines = tuple(f"not packed: {chosen.files[key].name}: {reason}" for key, reason in left_out.items())
    if not packed.entries:
        why = f" ({lines[0]})" if lines else ""
        raise UsageError(
            f"no codes to submit in {str(results)!r}{why}; wanted finished trials of a protocol with labels"
        )
    packed.check_names()
    card = Card(1, __version__, packed.entries)
    write_archive(out, {**packed.contents, CARD_FILE: _checked(card, out)})
    return Submission(out, card, (*chosen.faults, *lines))


def _checked(card: Card, out: Path) -> bytes:
    """The card as bytes that can be read again: what records hold may be longer than a card allows."""
    content = card_bytes(card)
    read_card(content, out)
    return content


def _unfit(record: Record) -> str | None:
    """Why a record is in no submission; None where it may be."""
    trial, card = record["trial"], record["protocol_card"]
    if record["status"] != "ok":
        return f"it {record['status']}"
    if is_submitted(trial):
        return "it was submitted by others"
    if trial.get("ranking"):
        return f"its ranking is {trial['ranking']}, not by Hamming distance"
    if card.get("relevance") or not card["classes"]:
        return "its protocol has no labels"
    if trial["dataset"] == EXTERNAL_DATASET:
        return "it has no protocol; score its codes with --protocol"
    if trial["dataset"] not in DATASETS.names() or not DATASETS.get(trial["dataset"]).protocols:
        return f"others do not have the data set {trial['protocol']}"
    return None


class _Packed:
    """What is packed so far.

    Attributes:
        entries: of the card.
        contents: of files, by name; equal ones once.
    """

    def __init__(self, papers: Mapping[str, str], parameters: Mapping[str, Mapping[str, Any]]) -> None:
        self.entries: list[Entry] = []
        self.contents: dict[str, bytes] = {}
        self._papers, self._parameters = papers, parameters

    def add(self, stored: StoredTrial) -> None:
        """Add the codes beside a record.

        Raises:
            UsageError: they cannot be read, or there is no paper.
        """
        trial, record = stored.trial, stored.record
        given = self._parameters.get(trial.method, {}) if stored.from_elsewhere else {}
        codes = load_method_codes(stored)
        self.entries.append(
            Entry(
                method=trial.method,
                paper=self._paper(stored),
                information=record.get("information", "labels" if record["supervised"] else "images"),
                parameters={**trial.parameters, **given},
                changed={**record["variant"], **given},
                preset=trial.preset,
                bits=codes.query.bits,
                repetition=trial.repetition,
                seed=trial.seed,
                limit=trial.limit,
                protocol=trial.protocol,
                protocol_card=record["protocol_card"]["id"],
                features=trial.features,
                features_dtype=trial.features_dtype,
                features_weights=trial.features_weights,
                backbones=dict(trial.backbones),
                codes=Pair(
                    self._codes(codes.query, codes.query_items), self._codes(codes.database, codes.database_items)
                ),
                items=Pair(self._items(codes.query_items), self._items(codes.database_items)),
            )
        )

    def check_names(self) -> None:
        """Check that every method for which something was given is packed.

        Raises:
            UsageError: one is not.
        """
        there = {entry.method for entry in self.entries}
        for option, names in (("--paper", self._papers), ("--set", self._parameters)):
            for name in names:
                if name not in there:
                    raise UsageError(
                        f"{option} names {name!r}, of which nothing is packed (there are: {', '.join(sorted(there))})"
                    )

    def _paper(self, stored: StoredTrial) -> str:
        name = stored.trial.method
        if name in self._papers:
            return self._papers[name]
        paper = "" if stored.from_elsewhere or name not in METHODS.names() else METHODS.get(name).traits.paper
        if not paper:
            raise UsageError(
                f"{name!r} names no paper; say --paper '{name}=AUTHORS, TITLE, VENUE YEAR', or '{name}=unpublished'"
            )
        return paper

    def _codes(self, codes: Codes, items: Items) -> PackedFile:
        return self._put("codes", codes.packed[np.argsort(items)].tobytes())

    def _items(self, items: Items) -> PackedFile:
        return self._put("items", np.sort(items).astype("<i8").tobytes())

    def _put(self, kind: str, content: bytes) -> PackedFile:
        found = hashlib.sha256(content).hexdigest()
        name = f"{kind}/{found[:16]}.bin"
        self.contents[name] = content
        return PackedFile(name, len(content), found)
