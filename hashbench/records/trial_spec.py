"""Trials: their identity (everything that was asked for), and what else could change their codes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from hashbench.util.seeds import derive_seed

if TYPE_CHECKING:
    from hashbench.dataset import Distance  # at run time it brings torch, which reports go without

RANDOM_CODES = "reference-random"
FLOAT_FEATURES = "reference-float"
ONE_HOT_CLASSES = "reference-onehot"
FLOAT16, INT8, PRODUCT_QUANTISER = "reference-float16", "reference-int8", "reference-pq"
QUANTISED = (FLOAT16, INT8, PRODUCT_QUANTISER)  # of vectors whose neighbours are relevant
REFERENCES = (RANDOM_CODES, FLOAT_FEATURES, ONE_HOT_CLASSES, *QUANTISED)
PRODUCT_QUANTISER_BYTES = 16
Ranking = Literal["asymmetric", "estimator"]
"""How codes are ranked where it is not by Hamming distance: by real queries, or by scores of the method's own."""
TRIAL_VERSION = 1  # of seeds, limit, batches and reference trials; tests/golden says when it goes up
EXTERNAL = "external"  # features of external codes ("external", "external:WORDS"), and their parameter "codes"
LEFT_OUT = ("neighbours", "ranking")  # of the identity, where they are None
EXTERNAL_DATASET = "scored"  # the data set of external codes that belong to no protocol


@dataclass(frozen=True)
class TrialSpec:
    """A trial's identity: everything that was asked for.

    Attributes:
        method: plugin name, or one of :data:`REFERENCES`.
        parameters: all hyper-parameters, resolved, also for the device.
        bits: code length, of one-hot classes their number; None for the float reference.
        dataset, protocol: "cifar10" and "cifar10/bgan".
        features: id with size ("gist", "squeezenet1_1@128").
        features_dtype: dtype of the features.
        features_weights: checksum of their network's weights, None without a network.
        backbones: checksum of the weights of each pre-trained network that the method trains on, by name.
        preset: name of the preset that was applied; None if the method has no such preset.
        limit: train on the first N items of the training order, None for all.
        repetition: 0, 1, ...
        seed: root seed of the run.
        neighbours: where it was asked that the nearest neighbours of the features be relevant, the distance that they
            are nearest under; None where the data set says what is relevant.
        ranking: what the codes are ranked by; None is the Hamming distance.
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
    neighbours: "Distance | None" = None
    ranking: Ranking | None = None

    @property
    def own_seed(self) -> int:
        """The trial's seed, derived from its names, so that other trials of a grid do not change it."""
        return derive_seed(self.seed, self.method, self.bits, self.protocol, self.features, self.repetition)

    @property
    def seed_of_all_lengths(self) -> int:
        """The seed of a method whose codes are nested: its trials of all code lengths draw the same."""
        return derive_seed(self.seed, self.method, None, self.protocol, self.features, self.repetition)

    @property
    def named_variant(self) -> str | None:
        """The method's variant, which stands in every label: its parameter called "variant", where it has one."""
        named = self.parameters.get("variant")
        return named if isinstance(named, str) else None

    @property
    def elsewhere(self) -> bool:
        """Whether its features, or its data set, are those of external codes and none of hashbench's."""
        return self.features.partition(":")[0] == EXTERNAL or self.dataset == EXTERNAL_DATASET

    def identity(self) -> dict[str, Any]:
        """The attributes as JSON reads them back (tuples are lists); equal for trials that ask for the same.

        What was added later is left out where it is not asked for, as in records from before there was such a thing.
        """
        attributes: dict[str, Any] = json.loads(json.dumps(vars(self)))
        return {name: value for name, value in attributes.items() if value is not None or name not in LEFT_OUT}

    def __str__(self) -> str:
        bits = "" if self.bits is None else f" {self.bits} bits"
        repetition = f" #{self.repetition}" if self.repetition else ""
        neighbours = f", neighbours by {self.neighbours}" if self.neighbours else ""
        ranking = f", {self.ranking}" if self.ranking else ""
        return f"{self.method}{bits} on {self.protocol}, {self.features}{neighbours}{ranking}{repetition}"


@dataclass(frozen=True)
class PlannedTrial:
    """A trial with what could change its codes without being asked for.

    Attributes:
        trial: the identity.
        changed_parameters: those that differ from the method's defaults (and from the preset's).
        fingerprint: what could change its codes without being asked for (:mod:`hashbench.planning.fingerprint`).
        card: the protocol card's facts, for the record.
        dataset_spec: the data set's spec ("cifar10/bgan", "folder:/home/me/set.toml").
        supervised: the method reads labels, so its rows stand in a table of their own.
        remark: what the method has a table say of such results, or None.
        information: what the method sees, as its traits say.
        nested: the first bits of its codes are the shorter codes.
        longest: code length of the trial, planned with it, whose first bits this one takes where they are kept.
    """

    trial: TrialSpec
    fingerprint: Mapping[str, Any]
    card: Mapping[str, Any]
    dataset_spec: str
    changed_parameters: Mapping[str, Any] = field(default_factory=dict)
    supervised: bool = False
    remark: str | None = None
    information: str = "images"
    nested: bool = False
    longest: int | None = None

    @property
    def own_seed(self) -> int:
        """The seed of everything that the trial draws."""
        return self.trial.seed_of_all_lengths if self.nested else self.trial.own_seed

    def __str__(self) -> str:
        return ", ".join([str(self.trial), *(f"{name}={value}" for name, value in self.changed_parameters.items())])

    @cached_property
    def key(self) -> str:
        """Hash of identity and fingerprint, 16 hexadecimal digits; a record whose key exists is never made again."""
        content = json.dumps([self.trial.identity(), self.fingerprint], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]
