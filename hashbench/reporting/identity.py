"""What makes a cell the same cell in another result folder or in a baseline, and which belongs to which."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from hashbench.records.store import Record
from hashbench.reporting.plain_text import plain

Parameters = Mapping[str, Any]

_DICTIONARIES = ("variant", "backbones", "parameters")
_SHOWN = 16  # digits of a checksum


@dataclass(frozen=True)
class Identity:
    """A cell without its repetitions and root seeds: what was asked for, on which ground.

    Attributes:
        protocol, method, bits: cells that differ in one of them have nothing to do with each other.
        card: the protocol card's id.
        features, features_weights, features_dtype, limit, preset, metric_version, supervised: as records have them.
        variant: the parameters that were changed from the defaults, as JSON.
        backbones: checksums of the weights of each network trained on, as JSON.
        parameters: all parameters, resolved, as JSON; they may differ where a default was changed in the source.
    """

    protocol: str
    method: str
    bits: int | None
    supervised: bool
    card: str
    metric_version: int
    features: str
    features_weights: str | None
    features_dtype: str
    limit: int | None
    preset: str | None
    variant: str
    backbones: str
    parameters: str

    @classmethod
    def of(cls, record: Record) -> Self:
        """The cell that a record belongs to."""
        facts = {
            **record["trial"],
            "supervised": record["supervised"],
            "card": record["protocol_card"]["id"],
            "metric_version": record["metric_version"],
            "variant": record["variant"],
        }
        return cls.from_facts(facts)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """From a dictionary with these names and others."""
        own = {field.name: facts[field.name] for field in fields(cls)}
        return cls(**own | {name: json.dumps(own[name], sort_keys=True) for name in _DICTIONARIES})

    def facts(self) -> dict[str, Any]:
        """As :meth:`from_facts` takes it and JSON has it."""
        return asdict(self) | {name: json.loads(getattr(self, name)) for name in _DICTIONARIES}

    @property
    def name(self) -> tuple[str, str, int | None]:
        """What it shares with every cell that it may be set beside."""
        return self.protocol, self.method, self.bits

    @property
    def order(self) -> tuple[Any, ...]:
        """Sorts by ground, then by method and code length."""
        ground = (self.protocol, self.features, self.supervised, self.limit or 0)
        return (*ground, self.method, self.bits or 0, *map(repr, asdict(self).values()))

    @property
    def row(self) -> str:
        """The method and what was changed of it, fit to print: "bgan [quick; epochs=4]"."""
        asked = _asked(self)
        return plain(f"{self.method} [{asked}]" if asked else self.method)

    @property
    def label(self) -> str:
        """Its row with the code length: "itq 16 bits"."""
        return self.row if self.bits is None else f"{self.row} {self.bits} bits"

    @property
    def ground(self) -> str:
        """The ground it stands on, fit to print: "digits/holdout-200, features pixels"."""
        limit = f", first {self.limit:,} training items" if self.limit else ""
        return plain(f"{self.protocol}, features {self.features}{limit}{', supervised' if self.supervised else ''}")

    def table_differences(self, other: "Identity") -> list[str]:
        """What keeps two cells from being compared whatever their methods: a line each, empty where nothing does."""
        pairs = {
            "protocol": (self.protocol, other.protocol),
            "protocol card": (self.card, other.card),
            "metrics version": (self.metric_version, other.metric_version),
            "features": (self.features, other.features),
            "weights of the features": (_short(self.features_weights), _short(other.features_weights)),
            "precision of the features": (self.features_dtype, other.features_dtype),
            "limit of training items": (self.limit or "none", other.limit or "none"),
            "supervision": (_yes(self.supervised), _yes(other.supervised)),
        }
        return [plain(f"other {what}: {own} / {its}") for what, (own, its) in pairs.items() if own != its]

    def row_differences(self, other: "Identity") -> list[str]:
        """What makes them other methods than one and the same, a line each.

        Parameters are the same where all are equal, or where the same were asked for and a default was changed.
        """
        reasons = []
        if self.parameters != other.parameters and (self.preset, self.variant) != (other.preset, other.variant):
            own, its = (_asked(one) or "defaults" for one in (self, other))
            reasons.append(plain(f"other parameters: {own} / {its}"))
        if self.backbones != other.backbones:
            own, its = (_changes(one.backbones, _SHOWN) or "none" for one in (self, other))
            reasons.append(plain(f"other weights of its networks: {own} / {its}"))
        return reasons

    def changed_defaults(self, other: "Identity") -> str:
        """Which parameters differ though the same were asked for: "iterations 50 -> 3"; empty where none does."""
        own, its = json.loads(self.parameters), json.loads(other.parameters)
        names = [name for name in sorted({*own, *its}) if own.get(name) != its.get(name)]
        return plain(", ".join(f"{name} {own.get(name)} -> {its.get(name)}" for name in names))


@dataclass(frozen=True)
class Match:
    """A cell of one side and the cell of the other that it belongs to, or None where a side has none.

    ``why`` says what keeps the two from being compared; empty where they can be, or where one is missing.
    """

    first: Identity | None
    second: Identity | None
    why: tuple[str, ...] = ()

    @property
    def either(self) -> Identity:
        """The second, where there is one."""
        found = self.second or self.first
        assert found is not None
        return found


def match(first: Iterable[Identity], second: Iterable[Identity]) -> list[Match]:
    """Set the cells of two sides beside each other, those that fit first, then those with the fewest differences."""
    own: dict[tuple[Any, ...], list[Identity]] = {}
    its: dict[tuple[Any, ...], list[Identity]] = {}
    for side, identities in ((own, first), (its, second)):
        for identity in identities:
            side.setdefault(identity.name, []).append(identity)
    found = [pair for name in {**own, **its} for pair in _match_named(own.get(name, []), its.get(name, []))]
    return sorted(found, key=lambda pair: pair.either.order)


def _match_named(first: list[Identity], second: list[Identity]) -> list[Match]:
    pairs = []
    for own in first:
        for its in second:
            why = (*own.table_differences(its), *own.row_differences(its))
            pairs.append((len(why), own.parameters != its.parameters, own.order, its.order, own, its, why))
    matches: list[Match] = []
    taken: tuple[set[Identity], set[Identity]] = (set(), set())
    for *_, own, its, why in sorted(pairs, key=lambda pair: pair[:4]):
        if own not in taken[0] and its not in taken[1]:
            matches.append(Match(own, its, why))
            taken[0].add(own)
            taken[1].add(its)
    matches += [Match(own, None) for own in first if own not in taken[0]]
    return matches + [Match(None, its) for its in second if its not in taken[1]]


def _asked(identity: Identity) -> str:
    """Preset and changed parameters, empty where all is as by default."""
    return "; ".join(filter(None, (identity.preset, _changes(identity.variant))))


def _changes(parameters: str, length: int | None = None) -> str:
    return ", ".join(f"{name}={str(value)[:length]}" for name, value in json.loads(parameters).items())


def _short(weights: str | None) -> str:
    return weights[:_SHOWN] if weights else "none"


def _yes(supervised: bool) -> str:
    return "with labels" if supervised else "without labels"
