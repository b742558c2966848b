"""``hb.accept``: checks a submission and scores it under the protocols that it names, with their labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.evaluation.headline import HEADLINE
from hashbench.evaluation.relevance import class_count
from hashbench.execution.run import make_settings
from hashbench.execution.settings import Settings
from hashbench.external.ground_truth import PARTS, GroundTruth, ProvidedLabels
from hashbench.external.labels import check_items
from hashbench.external.protocol import ground_truth_from_protocol
from hashbench.external.score_request import Features
from hashbench.external.stored_scores import CodesPair, code_sum, store_floor, store_scores
from hashbench.planning.fingerprint import bare_fingerprint
from hashbench.records.newest import newest_records, trial_id
from hashbench.records.results import results_so_far
from hashbench.records.store import Record, Store, check_replaceable
from hashbench.records.submitted import CODES, SUBMITTED
from hashbench.records.trial_spec import REFERENCES, PlannedTrial, TrialSpec
from hashbench.reporting.write import write_reports
from hashbench.submission.archive import Archive, opened
from hashbench.submission.card import Entry
from hashbench.submission.class_codes import FLAGGED, class_code_share
from hashbench.util.files import file_sum

FOLDER = "submitted"  # inside a result folder: a result folder of its own, apart from records of runs
_ITEM_BYTES = 8


@dataclass(frozen=True)
class Accepted:
    """An entry of a submission that was scored.

    Attributes:
        entry: what its card claims.
        record: as it was written.
        before: mAP@1000 of the record that tables showed in its place until now; None where there was none.
    """

    entry: Entry
    record: Record
    before: float | None

    @property
    def headline(self) -> float:
        """Its mAP@1000, computed here."""
        return float(self.record["metrics"][HEADLINE])

    @property
    def class_codes(self) -> float:
        """Share of database items that have the one code of their classes."""
        return float(self.record["provenance"]["submission"]["class_codes"])

    @property
    def flagged(self) -> bool:
        """Whether its codes equal the classes."""
        return self.class_codes >= FLAGGED


@dataclass(frozen=True)
class _Checked:
    """An entry whose files, item numbers and codes are as they should be, not scored yet."""

    entry: Entry
    truth: GroundTruth
    codes: CodesPair
    planned: PlannedTrial
    class_codes: float


def accept(
    file: str | Path,
    results_folder: str | Path = "results",
    *,
    data: str | Path | None = None,
    device: str = "auto",
) -> list[Accepted]:
    """Check a submission, score its codes and store records of them in ``results_folder/submitted``.

    Labels are the protocol's; no number of the file is believed. Everything is checked before anything is written.

    Args:
        file: an archive of ``hashbench submit``.
        results_folder: of runs; submissions have a folder of their own in it.
        data: the folder of the data sets.
        device: where distances are counted.

    Returns:
        An entry each, in the card's order.

    Raises:
        UsageError: the archive is damaged, is bigger than its card says or points outside; sums do not match; item
            numbers are not the protocol's; or its protocol is not here. One line, nothing is written.
    """
    file = Path(file)
    settings = make_settings(Path(results_folder) / FOLDER, data, device)
    with opened(file) as archive:
        truths: dict[object, GroundTruth] = {}
        checked = [_check(archive, entry, settings, truths) for entry in archive.card.entries]
        submission = {"hashbench": archive.card.hashbench, "sha256": file_sum(file)}
    _check_once(file, checked)
    before = newest_records(results_so_far(settings.results).records)
    accepted = [_store(each, before, submission, settings) for each in checked]
    write_reports(settings.results, figures=False)
    return accepted


def _check(archive: Archive, entry: Entry, settings: Settings, truths: dict[object, GroundTruth]) -> _Checked:
    """Check one entry; ``truths`` keeps those of the entries before it, by protocol and items."""
    if entry.method in REFERENCES:
        raise UsageError(f"{archive.file}: {entry} has the name of a reference trial; choose another")
    items = {part: archive.content(getattr(entry.items, part)) for part in PARTS}
    packed = {part: archive.content(getattr(entry.codes, part)) for part in PARTS}
    try:
        numbers = {part: _numbers(f"{part}_items", content) for part, content in items.items()}
        codes = {part: _codes(part, packed[part], entry, len(numbers[part])) for part in PARTS}
        sizes = {part: len(numbers[part]) for part in PARTS}
        of = entry.protocol, entry.items
        if of not in truths:
            truths[of] = ground_truth_from_protocol(entry.protocol, ProvidedLabels(sizes, {}, numbers), settings)
        truth = truths[of]
    except (UsageError, ValueError) as error:
        raise UsageError(f"{archive.file}: {entry}: {error}") from None
    if truth.card["id"] != entry.protocol_card:
        raise UsageError(
            f"{archive.file}: {entry} is of the protocol card {entry.protocol_card}, here it is {truth.card['id']}: "
            "other images are missing, or the protocol changed; submit codes of the whole protocol"
        )
    placed = codes["query"][truth.rows[0]], codes["database"][truth.rows[1]]
    share = class_code_share(placed[1], truth.labels[1], class_count(truth.labels))
    return _Checked(entry, truth, placed, _planned(entry, truth, placed, share), share)


def _numbers(name: str, content: bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
    if len(content) % _ITEM_BYTES:
        raise UsageError(f"{name} have {len(content):,} bytes, wanted {_ITEM_BYTES} for each item")
    numbers = np.frombuffer(content, dtype="<i8")
    return check_items(name, numbers, len(numbers))


def _codes(part: str, content: bytes, entry: Entry, rows: int) -> Codes:
    if len(content) != rows * entry.width:
        raise UsageError(
            f"{part}_codes have {len(content):,} bytes, wanted {entry.width} for each of the {rows:,} items"
        )
    return Codes(np.frombuffer(content, dtype=np.uint8).reshape(rows, entry.width), entry.bits)


def _planned(entry: Entry, truth: GroundTruth, codes: CodesPair, share: float) -> PlannedTrial:
    trial = TrialSpec(
        method=entry.method,
        parameters={**entry.parameters, CODES: SUBMITTED},
        bits=entry.bits,
        dataset=truth.dataset,
        protocol=truth.protocol,
        features=entry.features,
        features_dtype=entry.features_dtype,
        features_weights=entry.features_weights,
        backbones=entry.backbones,
        preset=entry.preset,
        limit=entry.limit,
        repetition=entry.repetition,
        seed=entry.seed,
    )
    sums = {f"{part}_codes": code_sum(each) for part, each in zip(PARTS, codes, strict=True)}
    return PlannedTrial(
        trial,
        {**bare_fingerprint(truth.card["id"], "elsewhere"), "scored": sums},
        truth.card,
        truth.protocol,
        {**entry.changed, CODES: SUBMITTED},
        supervised=entry.information == "labels",
        information=entry.information,
        remark=flag(share) if share >= FLAGGED else None,
    )


def flag(share: float) -> str:
    """What is said of codes that equal the classes."""
    return f"{share:.0%} of its items have the one code of their classes; codes alone prove no method"


def _check_once(file: Path, checked: list[_Checked]) -> None:
    seen: dict[str, Entry] = {}
    for each in checked:
        if each.planned.key in seen:
            raise UsageError(f"{file}: {each.entry} is there twice; submit each once")
        seen[each.planned.key] = each.entry


def _store(
    checked: _Checked, before: Mapping[str, Record], submission: Mapping[str, Any], settings: Settings
) -> Accepted:
    entry, truth, planned = checked.entry, checked.truth, checked.planned
    check_replaceable(Store(settings.results).record_path(planned))
    facts = {**submission, "paper": entry.paper, "class_codes": checked.class_codes}
    record = store_scores(planned, checked.codes, truth, settings, {"submission": facts})
    features = Features(entry.features, entry.features_dtype, entry.features_weights)
    store_floor(truth, features, entry.bits, entry.repetition, settings, own=False)
    earlier = before.get(trial_id(planned.trial.identity()))
    shown = earlier["metrics"][HEADLINE] if earlier is not None and earlier["metrics"] else None
    return Accepted(entry, record, shown)
