"""The gallery of a record: its sheets as PNG files."""

from dataclasses import dataclass
from pathlib import Path

import torch

from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.evaluation.headline import HEADLINE
from hashbench.execution.stored_dataset import check_items, open_recorded_dataset
from hashbench.execution.stored_trial import (
    StoredCodes,
    StoredTrial,
    changes_since,
    load_method,
    load_method_codes,
    readable_trials,
)
from hashbench.gallery.neighbour_sheet import neighbour_sheet
from hashbench.gallery.neighbours import Rows, nearest, spread
from hashbench.gallery.reconstruction_sheet import reconstruction_sheet
from hashbench.gallery.reconstructions import reconstruct
from hashbench.method import HashMethod
from hashbench.planning.fingerprint import listed
from hashbench.plugins.registry import METHODS
from hashbench.records.trial_spec import EXTERNAL_DATASET
from hashbench.replay.ranked_index import ranked_index
from hashbench.util.numbers import whole_number
from hashbench.util.progress import Log, no_log
from hashbench.util.storage import make_folder

MAX_SHOWN = 100  # queries, and neighbours of each: a sheet stays one that can be drawn and looked at


@dataclass(frozen=True)
class GalleryRequest:
    """What to show, and the folders and device.

    Attributes:
        data: the folder of all data sets.
        out: where files go; made if need be.
        device: where codes are compared and restored.
        queries, neighbours: how many, 1 to 100.
        dataset: "NAME:FILE" for records whose data set a file describes.

    Raises:
        UsageError: a number is out of range.
    """

    data: Path
    out: Path
    device: torch.device
    queries: int = 10
    neighbours: int = 10
    dataset: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("queries", self.queries), ("neighbours", self.neighbours)):
            object.__setattr__(self, name, whole_number(name, value, 1, MAX_SHOWN))


@dataclass(frozen=True)
class GalleryResult:
    """The files made from a record.

    Attributes:
        files: written sheets.
        notes: lines on what was left out, or is older than its sources.
        fault: why reconstructions that should be there are not, or None.
    """

    files: list[Path]
    notes: list[str]
    fault: str | None = None


class NothingToShow(UsageError):  # noqa: N818 - named for what it says
    """No record of a result folder has images to show."""


def default_records(results: Path, log: Log = no_log) -> tuple[list[StoredTrial], int]:
    """Of each method, code length and protocol the record with the highest mAP@1000 among first repetitions.

    Args:
        results: the result folder.
        log: gets a line for each file that cannot be read.

    Returns:
        These records, and how many others with codes were left out.

    Raises:
        UsageError: there is no such folder; or, NothingToShow, no such record in it.
    """
    if not results.exists():
        raise UsageError(f"no result folder {str(results)!r}; hashbench run --results makes one")
    trials = readable_trials(results, log)
    trials = [stored for stored in trials if stored.has_codes and stored.trial.dataset != EXTERNAL_DATASET]
    if trials and all(_has_vectors(stored) for stored in trials):
        raise NothingToShow(f"the records in {results / 'records'} are of vectors, which have no images to show")
    trials = [stored for stored in trials if not _has_vectors(stored)]
    best: dict[tuple[str, str, int | None, str], StoredTrial] = {}
    for stored in sorted(trials, key=lambda stored: stored.record["metrics"].get(HEADLINE) or 0.0):
        if stored.trial.repetition == 0:
            best[stored.trial.protocol, stored.trial.method, stored.trial.bits, stored.trial.ranking or ""] = stored
    if not best:
        raise NothingToShow(f"no record in {results / 'records'} has codes to show; make some with hashbench run")
    return [best[group] for group in sorted(best)], len(trials) - len(best)


def _has_vectors(stored: StoredTrial) -> bool:
    return "vectors" in stored.record["protocol_card"]


def make_gallery(stored: StoredTrial, request: GalleryRequest) -> GalleryResult:
    """Write ``<record>-neighbours.png`` and, where the method restores pictures, ``<record>-reconstructions.png``.

    Raises:
        UsageError: the record has no codes, or its data set is not here; nothing was written.
    """
    if _has_vectors(stored):
        raise UsageError(f"record {stored.record['key']} is of vectors, which have no images to show")
    codes = load_method_codes(stored)
    queries = spread(codes.average_precision, request.queries)
    if not len(queries):
        raise UsageError(f"record {stored.record['key']}: no query has a relevant item, so there is nothing to show")
    dataset = open_recorded_dataset(stored, request.data, request.dataset)
    check_items(stored, codes, dataset)
    neighbours = nearest(codes, queries, request.neighbours, ranked_index(stored, codes, request.device))
    sheet = neighbour_sheet(stored, codes, neighbours, dataset)
    make_folder(request.out)
    file = request.out / f"{stored.file.stem}-neighbours.png"
    sheet.save(file)
    try:
        more, notes = _reconstructions(stored, codes, queries, dataset, request)
    except UsageError as error:
        return GalleryResult([file], [], f"no reconstructions: {error}")
    return GalleryResult([file, *more], notes)


def _reconstructions(
    stored: StoredTrial, codes: StoredCodes, queries: Rows, dataset: Dataset, request: GalleryRequest
) -> tuple[list[Path], list[str]]:
    """The written sheet, if there is one, and notes."""
    name = stored.trial.method
    if stored.from_elsewhere:
        return [], [f"no reconstructions: the codes of {name} were made elsewhere, so there is no method"]
    nothing = [f"no reconstructions: {name} makes no pictures of codes"]
    if METHODS.get(name).restore is HashMethod.restore:
        return [], nothing
    if not stored.state_file.is_file():
        return [], [f"no reconstructions: the state was not kept, there is no {stored.state_file.name}"]
    since = changes_since(stored)
    method, run = load_method(stored, request.device)
    reconstructions = reconstruct(method, run, codes, dataset, queries)
    if reconstructions is None:
        return [], nothing
    file = request.out / f"{stored.file.stem}-reconstructions.png"
    reconstruction_sheet(stored, reconstructions).save(file)
    return [file], [f"{listed(since)} since {stored.file.stem} was made"] if since else []
