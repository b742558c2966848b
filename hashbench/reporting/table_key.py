"""The key of a table: what two numbers must share to be in one table or to be compared."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from hashbench.records.store import Record
from hashbench.reporting.plain_text import plain

CHECKSUM_DIGITS = 16
# What may not differ between compared cells, and what reports call it; runs under other root seeds are repetitions.
COMPARED = {
    "protocol": "protocol",
    "card": "protocol card",
    "metric_version": "metrics version",
    "features": "features",
    "weights": "weights of the features",
    "dtype": "precision of the features",
    "limit": "limit of training items",
    "supervised": "supervision",
    "neighbours": "relevance by neighbours",
    "ranking": "ranking",
}
HAMMING = "Hamming distance"
_NAMES_IN_RECORDS = {"weights": "features_weights", "dtype": "features_dtype"}
_LATER = ("neighbours", "ranking")  # which older records do not have; empty there
# Of null in records, since keys are sorted.
_EMPTY: dict[str, Any] = {"weights": "", "limit": 0, "neighbours": "", "ranking": ""}


@dataclass(frozen=True, order=True)
class TableKey:
    """The facts that the numbers of one table share; tables are sorted by it.

    Attributes:
        supervised: the methods read labels.
        protocol, features: as in records, "cifar10/bgan" and "gist".
        card: the protocol card's id.
        weights: checksum of the features' weights, empty where they have none.
        dtype: in which the features were extracted.
        limit: number of training items, 0 for all.
        seed: root seed; 0 for cells over all root seeds.
        metric_version: of the metrics.
        neighbours: where it was asked for, the distance of the neighbours that are relevant; empty elsewhere.
        ranking: what codes are ranked by, empty for the Hamming distance.
    """

    supervised: bool
    protocol: str
    card: str
    features: str
    weights: str
    dtype: str
    limit: int
    seed: int
    metric_version: int
    neighbours: str = ""
    ranking: str = ""

    @classmethod
    def of(cls, record: Record) -> Self:
        """The table that a record belongs to."""
        return cls.from_facts(record_facts(record))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """From a dictionary with the names that records use, and others."""
        names = {one.name: _NAMES_IN_RECORDS.get(one.name, one.name) for one in fields(cls)}
        values: dict[str, Any] = {of: facts.get(of) if of in _LATER else facts[of] for of in names.values()}
        return cls(**{name: values[of] or _EMPTY.get(name, values[of]) for name, of in names.items()})

    def facts(self) -> dict[str, Any]:
        """The inverse of :meth:`from_facts`; without a ranking where it is by Hamming distance."""
        values: dict[str, Any] = {**asdict(self), "weights": self.weights or None, "limit": self.limit or None}
        named = {_NAMES_IN_RECORDS.get(name, name): value for name, value in values.items()}
        return {name: value for name, value in named.items() if value or name not in _LATER}

    @property
    def brief(self) -> str:
        """Protocol and features: "digits/holdout-200, features pixels"."""
        return self._name("", "")

    def name(self, weights: bool) -> str:
        """What distinguishes tables, without the protocol card and the version of metrics.

        Args:
            weights: also name the features' weights.
        """
        sums = f" of weights {self.weights[:8]}" if weights else ""
        dtype = f" in {self.dtype}" if self.dtype != "float32" else ""
        return self._name(sums + dtype, f", seed {self.seed}" if self.seed else "")

    def _name(self, about_features: str, seed: str) -> str:
        limit = f", first {self.limit:,} training items" if self.limit else ""
        kind = ", supervised" if self.supervised else ""
        neighbours = f", neighbours by {self.neighbours}" if self.neighbours else ""
        ranking = f", {self.ranking} ranking" if self.ranking else ""
        return f"{self.protocol}, features {self.features}{about_features}{neighbours}{limit}{seed}{kind}{ranking}"

    @property
    def digest(self) -> str:
        """Six hexadecimal digits, for links and file names."""
        text = repr(self).replace("TableKey", "Ground", 1)  # the class's first name: links and files keep theirs
        for name in _LATER:
            text = text.replace(f", {name}=''", "")  # which keys had none of at first
        return hashlib.sha256(text.encode()).hexdigest()[:6]

    def differences(self, other: "TableKey") -> list[str]:
        """A line for each difference that keeps cells of the two from being compared; empty where there is none."""
        pairs = {what: (self._shown(name), other._shown(name)) for name, what in COMPARED.items()}
        return [plain(f"other {what}: {one} / {two}") for what, (one, two) in pairs.items() if one != two]

    def _shown(self, name: str) -> str:
        if name == "supervised":
            return "with labels" if self.supervised else "without labels"
        value = getattr(self, name)
        if name == "ranking":
            return value or HAMMING
        if name == "weights":
            value = value[:CHECKSUM_DIGITS]
        return "none" if value in ("", 0) else str(value)


def record_facts(record: Record) -> dict[str, Any]:
    """One dictionary of what decides which table and cell a record belongs to."""
    return {
        **record["trial"],
        "supervised": record["supervised"],
        "card": record["protocol_card"]["id"],
        "metric_version": record["metric_version"],
        "variant": record["variant"],
        "named_variant": record["named_variant"],
    }
