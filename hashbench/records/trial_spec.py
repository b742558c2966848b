"""The data through which plan, trial and executor know each other."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RANDOM_CODES = "reference-random"
FLOAT_FEATURES = "reference-float"
REFERENCES = (RANDOM_CODES, FLOAT_FEATURES)
UNTIMED_PHASES = ("audit", "features", "compile")  # done once for all trials, so no trial's time-out counts them


@dataclass(frozen=True)
class Trial:
    """A trial's identity: everything that was asked for.

    Attributes:
        method: plugin name, or one of :data:`REFERENCES`.
        parameters: all hyper-parameters, resolved.
        bits: code length; None for the float reference.
        dataset, protocol: "cifar10" and "cifar10/bgan".
        features: id with size ("gist", "squeezenet1_1@128").
        features_dtype: dtype they are extracted in.
        features_weights: checksum of their weights, None where there are none.
        backbones: checksum of the weights of each pre-trained network that the method trains on, by name.
        preset: name of the preset that was applied, None where the method has none of that name.
        limit: first N items of the training order, None for all.
        repetition: 0, 1, ...
        seed: root seed of the run.
    """

    method: str
    parameters: Mapping[str, Any]
    bits: int | None
    dataset: str
    protocol: str
    features: str
    features_dtype: str
    features_weights: str | None
    backbones: Mapping[str, str]
    preset: str | None
    limit: int | None
    repetition: int
    seed: int

    def identity(self) -> dict[str, Any]:
        """As JSON has it (tuples are lists); two trials with equal identities asked for the same."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def __str__(self) -> str:
        bits = "" if self.bits is None else f" {self.bits} bits"
        repetition = f" #{self.repetition}" if self.repetition else ""
        return f"{self.method}{bits} on {self.protocol}, {self.features}{repetition}"


@dataclass(frozen=True)
class Job:
    """A trial with what could change its codes without being asked for.

    Attributes:
        trial: the identity.
        variant: the parameters that differ from the method's defaults (and from the preset's).
        fingerprint: {"card": id of the protocol card, "files": {source file: checksum}}.
        card: the protocol card's facts, for the record.
        dataset_spec: how the data set is opened ("cifar10/bgan", "folder:/home/me/set.toml").
        supervised: the method reads labels, so its row stands in a table of its own.
    """

    trial: Trial
    fingerprint: Mapping[str, Any]
    card: Mapping[str, Any]
    dataset_spec: str
    variant: Mapping[str, Any] = field(default_factory=dict)
    supervised: bool = False

    def __str__(self) -> str:
        return ", ".join([str(self.trial), *(f"{name}={value}" for name, value in self.variant.items())])

    @property
    def key(self) -> str:
        """Hash of identity and fingerprint, 16 hexadecimal digits; a record whose key exists is never made again."""
        whole = json.dumps([self.trial.identity(), self.fingerprint], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Settings:
    """How jobs are run; nothing here changes a code on purpose.

    Attributes:
        results, data, cache: folders.
        device: "auto", "cpu", "cuda", "cuda:1".
        timeout: seconds a trial may take, extraction of features apart; None for no limit.
        save_state: keep the fitted methods.
        weights: files of state dicts by the network's name; the published ones where none is given.
        offline: nothing is downloaded.
        provenance: git commit, command line and such, copied into every record.
    """

    results: Path
    data: Path
    cache: Path
    device: str = "auto"
    timeout: float | None = None
    save_state: bool = True
    weights: Mapping[str, Path] = field(default_factory=dict)
    offline: bool = False
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """What an executor tells its watcher about a job.

    Attributes:
        key: the job's.
        kind: "started", "phase" (name in ``text``), "note" (a line in ``text``), "epoch" (done, total, values) or
            "finished" (status in ``text``).
    """

    key: str
    kind: str
    text: str = ""
    done: int = 0
    total: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
