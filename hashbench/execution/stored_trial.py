"""A stored trial: its record, the codes beside it, and the fitted method."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch

from hashbench.codes import Codes
from hashbench.dataset import Items
from hashbench.errors import UsageError
from hashbench.evaluation.neighbours import Neighbours
from hashbench.execution.rankings import Encoded, FloatRows
from hashbench.features.backbones import bare_backbone
from hashbench.features.extractor import Extractor
from hashbench.method import HashMethod, RunContext
from hashbench.planning.fingerprint import changes, fingerprint, forget_sources, listed
from hashbench.plugins.hyperparameters import resolve_recorded
from hashbench.plugins.registry import METHODS
from hashbench.records.scores import stored_labels, stored_neighbours
from hashbench.records.store import Record, Store, load_record
from hashbench.records.trial_spec import TrialSpec
from hashbench.search.backend import LabelSide
from hashbench.util.device import out_of_memory
from hashbench.util.npz import read_npz
from hashbench.util.progress import Log


@dataclass(frozen=True)
class StoredTrial:
    """A record and where it lies; codes and state have its file's name and other endings."""

    file: Path
    record: Record

    @classmethod
    def read(cls, file: Path) -> Self:
        """The record in ``file``.

        Raises:
            UsageError: it is none.
        """
        record = load_record(file)
        if "trial" not in record:
            raise UsageError(f"{file} is throughput, not the record of a trial; name one in the folder records")
        return cls(file, record)

    @property
    def codes_file(self) -> Path:
        """The file of codes, labels, items and average precisions, which only records with the status ok have."""
        return self.file.with_suffix(".npz")

    @property
    def state_file(self) -> Path:
        """The file of the method's state, which may not have been saved."""
        return self.file.with_suffix(".safetensors")

    @property
    def trial(self) -> TrialSpec:
        """The identity of the trial."""
        return TrialSpec(**self.record["trial"])

    @property
    def from_elsewhere(self) -> bool:
        """Whether it is of codes that were scored and not made here: there is no method."""
        return "scored" in self.record["fingerprint"]

    @property
    def has_codes(self) -> bool:
        """Whether codes of a method lie beside it: not of a failed trial, nor of one of the references."""
        return self.record["status"] == "ok" and not self.record["reference"] and self.codes_file.is_file()


def readable_trials(results: Path, log: Log) -> list[StoredTrial]:
    """The records of a result folder that can be read, in the order of their file names.

    Args:
        results: the result folder.
        log: gets a line for each file that cannot be read.

    Raises:
        UsageError: the folder is a file.
    """
    records = Store(results).records()
    for line in records.fault_lines():
        log(line)
    return [StoredTrial(file, record) for file, record in records.contents.items()]


@dataclass(frozen=True)
class StoredCodes:
    """The codes of a trial with what belongs to them.

    Attributes:
        query, database: codes.
        query_labels, database_labels: bool [n, classes], multi-hot; or class numbers, int64 [n].
        query_items, database_items: the data set's item numbers.
        average_precision: float64 [queries], map@1000 per query, NaN where nothing is relevant.
        neighbours: the nearest items of the queries, where they are scored.
        query_vectors, factors: what a ranking by scores reads beside the codes, float32 [queries, p] and [n, f]; None
            where there is nothing of the kind.
    """

    query: Codes
    database: Codes
    query_labels: LabelSide
    database_labels: LabelSide
    query_items: Items
    database_items: Items
    average_precision: npt.NDArray[np.float64]
    neighbours: Neighbours | None = None
    query_vectors: FloatRows | None = None
    factors: FloatRows | None = None

    def encoded(self) -> Encoded:
        """The codes with what they are ranked by."""
        return Encoded(self.query, self.database, self.query_vectors, self.factors)

    def scored_labels(self) -> tuple[LabelSide, LabelSide] | tuple[None, None]:
        """Labels of queries and database for an evaluation; None where there are none."""
        none = self.query_labels.ndim == 2 and not self.query_labels.shape[1]
        return (None, None) if none else (self.query_labels, self.database_labels)


def load_method_codes(stored: StoredTrial) -> StoredCodes:
    """The codes beside a record.

    Raises:
        UsageError: there are none, or the file is damaged.
    """
    record, beside = stored.record, stored.codes_file.name
    if not stored.has_codes:
        what = "a reference" if record["reference"] else record["status"]
        why = f"it is {what}" if record["reference"] or record["status"] != "ok" else f"there is no {beside}"
        raise UsageError(f"record {record['key']} has no codes of a method: {why}; name another")
    return load_codes(stored)


def load_codes(stored: StoredTrial) -> StoredCodes:
    """The codes beside a record, also the random codes of a reference.

    Raises:
        UsageError: there are none, or the file is damaged.
    """
    record, file = stored.record, stored.codes_file
    try:
        content = read_npz(file)
        if "query_codes" not in content:
            raise UsageError(
                f"record {record['key']} was published without its codes; run {stored.trial} again to have them"
            )
        bits, classes = record["trial"]["bits"], record["protocol_card"]["classes"]
        return StoredCodes(
            Codes(content["query_codes"], bits),
            Codes(content["database_codes"], bits),
            stored_labels(content["query_labels"], classes),
            stored_labels(content["database_labels"], classes),
            content["query_items"],
            content["database_items"],
            content["average_precision"],
            stored_neighbours(content, record["protocol_card"]),
            content.get("query_vectors"),
            content.get("database_factors"),
        )
    except UsageError:
        raise
    except Exception as error:  # damaged archives raise errors of many kinds
        raise UsageError(f"codes {file} cannot be read ({error}); restore the file or run the trial again") from error


def load_method(stored: StoredTrial, device: torch.device) -> tuple[HashMethod, RunContext]:
    """The method as it was fitted, on ``device``, and the run it can encode in.

    Its networks get all their tensors from the state: published weights are neither read nor needed.

    Raises:
        UsageError: no such method here, or codes from elsewhere; no state was kept, or it is damaged or does not fit;
            or memory ran out.
    """
    trial = stored.trial
    if stored.from_elsewhere:
        raise UsageError(f"record {stored.record['key']} is of codes from elsewhere, {trial}: there is no method")
    method_class = METHODS.get(trial.method)
    key, failure = stored.record["key"], stored.record["error"]
    if failure is not None:  # beside which the state of an earlier training of the same trial may lie
        line = str(failure["message"]).partition("\n")[0]
        raise UsageError(f"record {key} has no method: it is {stored.record['status']} ({line}); name another")
    if not stored.state_file.is_file():
        raise UsageError(f"the state of record {key} was not kept: there is no {stored.state_file.name}")
    assert trial.bits is not None
    run = RunContext(device, torch.Generator(), features=trial.features, backbones=bare_backbone)
    try:
        method = method_class(trial.bits, **resolve_recorded(trial.method, method_class, trial.parameters))
        method.load_state(safetensors.torch.load_file(stored.state_file, device=str(device)), run)
    except (Exception, SystemExit) as error:  # whatever a method does with a state that is not its own
        if out_of_memory(error):
            raise UsageError(
                f"no memory left on device {device} to load {trial.method} from {stored.state_file}; free some, or use "
                "another device (--device)"
            ) from error
        line = str(error).partition("\n")[0]
        since = changes_since(stored)
        way_out = f"{listed(since)} since: run the trial again" if since else "restore it or run it again"
        raise UsageError(
            f"state {stored.state_file} does not load into {trial.method} ({type(error).__name__}: {line}); {way_out}"
        ) from error
    return method, run


def check_weights(stored: StoredTrial, features: Extractor) -> None:
    """Check that an extractor is that of the record's features.

    Raises:
        UsageError: its weights are others.
    """
    wanted = stored.trial.features_weights
    if features.weights != wanted:
        raise UsageError(
            f"record {stored.record['key']} has features of other weights ({str(wanted)[:16]}) than "
            f"those here ({str(features.weights)[:16]}); name the file with --weights"
        )


def changes_since(stored: StoredTrial) -> list[str]:
    """What changed since the trial's codes were made and could change them, a phrase each; the data is not looked at.

    Raises:
        UsageError: its method, features or data set are not here.
    """
    forget_sources()
    then = stored.record["fingerprint"]
    return changes(then, fingerprint(stored.trial, then["card"], torch.device(then["device"])))
