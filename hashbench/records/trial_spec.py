"""What a trial is: everything that was asked for, and what else could change its codes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hashbench.util.seeds import derive_seed

RANDOM_CODES = "reference-random"
FLOAT_FEATURES = "reference-float"
REFERENCES = (RANDOM_CODES, FLOAT_FEATURES)
EXTERNAL_DATASET = "scored"  # the data set of codes that were made elsewhere and are of no protocol


@dataclass(frozen=True)
class TrialSpec:
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

    @property
    def own_seed(self) -> int:
        """The trial's seed: it belongs to these names, so the other trials of a grid do not change it."""
        return derive_seed(self.seed, self.method, self.bits, self.protocol, self.features, self.repetition)

    def identity(self) -> dict[str, Any]:
        """As JSON has it (tuples are lists); two trials with equal identities asked for the same."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def __str__(self) -> str:
        bits = "" if self.bits is None else f" {self.bits} bits"
        repetition = f" #{self.repetition}" if self.repetition else ""
        return f"{self.method}{bits} on {self.protocol}, {self.features}{repetition}"


@dataclass(frozen=True)
class PlannedTrial:
    """A trial with what could change its codes without being asked for.

    Attributes:
        trial: the identity.
        variant: the parameters that differ from the method's defaults (and from the preset's).
        fingerprint: {"card": id of the protocol card, "files": {source file: checksum}}.
        card: the protocol card's facts, for the record.
        dataset_spec: how the data set is opened ("cifar10/bgan", "folder:/home/me/set.toml").
        supervised: the method reads labels, so its row stands in a table of its own.
    """

    trial: TrialSpec
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
