"""Which cells of two result folders, or of a folder and a baseline, are the same cell."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

from hashbench.records.store import Record
from hashbench.reporting.plain_text import plain
from hashbench.reporting.row_label import row_label
from hashbench.reporting.table_key import CHECKSUM_DIGITS, TableKey, record_facts

Name = tuple[str, str, int | None]

_DICTIONARIES = ("variant", "backbones", "parameters")
_TABLE_FACTS = (
    "supervised",
    "card",
    "metric_version",
    "features",
    "features_weights",
    "features_dtype",
    "limit",
    "neighbours",
    "ranking",
)


@dataclass(frozen=True)
class Identity:
    """A cell without its repetitions and root seeds: what was asked for, in which table.

    Attributes:
        table: the table, whatever the root seed.
        method, bits: cells that differ in one of them, or in the protocol, have nothing to do with each other.
        preset, named_variant: as records have them.
        variant: the parameters that were changed from the defaults, as JSON.
        backbones: checksums of the weights of each network trained on, as JSON.
        parameters: all parameters, resolved, as JSON; they may differ where a default was changed in the source.
    """

    table: TableKey
    method: str
    bits: int | None
    preset: str | None
    named_variant: str | None
    variant: str
    backbones: str
    parameters: str

    @classmethod
    def of(cls, record: Record) -> Self:
        """The cell that a record belongs to."""
        return cls.from_facts(record_facts(record))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """From a dictionary with the names of :meth:`facts` and others."""
        table = TableKey.from_facts({**facts, "seed": 0})
        texts = {name: json.dumps(facts[name], sort_keys=True) for name in _DICTIONARIES}
        return cls(table, facts["method"], facts["bits"], facts["preset"], facts.get("named_variant"), **texts)

    def facts(self) -> dict[str, Any]:
        """The inverse of :meth:`from_facts`, ready for JSON: one dictionary with the names that records use."""
        return self._flat() | {name: json.loads(getattr(self, name)) for name in _DICTIONARIES}

    def _flat(self) -> dict[str, Any]:
        table = self.table.facts()
        return {
            "protocol": table["protocol"],
            "method": self.method,
            "bits": self.bits,
            **{name: table[name] for name in _TABLE_FACTS if name in table},
            "preset": self.preset,
            "named_variant": self.named_variant,
            **{name: getattr(self, name) for name in _DICTIONARIES},
        }

    @property
    def name(self) -> Name:
        """The part of the identity that all cells comparable with this one share."""
        return self.table.protocol, self.method, self.bits

    @property
    def order(self) -> tuple[Any, ...]:
        """Sorts by table, then by method and code length."""
        table = (self.table.protocol, self.table.features, self.table.supervised, self.table.limit, self.table.ranking)
        return (*table, self.method, self.bits or 0, *map(repr, self._flat().values()))

    @property
    def row(self) -> str:
        """The method and what was changed of it, fit to print: "bgan (tuned) [quick; epochs=4]"."""
        asked = self.named_variant, self.preset, json.loads(self.variant)
        return plain(row_label(self.method, *asked, self.table.ranking))

    @property
    def label(self) -> str:
        """Its row with the code length: "itq 16 bits"."""
        return self.row if self.bits is None else f"{self.row} {self.bits} bits"

    @property
    def table_name(self) -> str:
        """Its table, fit to print: "digits/holdout-200, features pixels"."""
        return plain(self.table.brief)

    def row_differences(self, other: "Identity") -> list[str]:
        """Differences that make them two different methods, a line each.

        Parameters are the same where all are equal, or where the same were asked for and a default was changed.
        """
        reasons = []
        if self.parameters != other.parameters and (self.preset, self.variant) != (other.preset, other.variant):
            asked = (_asked(one) or "defaults" for one in (self, other))
            reasons.append(plain(f"other parameters: {' / '.join(asked)}"))
        if self.backbones != other.backbones:
            weights = (_changes(one.backbones, CHECKSUM_DIGITS) or "none" for one in (self, other))
            reasons.append(plain(f"other weights of its networks: {' / '.join(weights)}"))
        return reasons

    def changed_defaults(self, other: "Identity") -> str:
        """Which parameters differ though the same were asked for: "iterations 50 -> 3"; empty where none does."""
        before, after = json.loads(self.parameters), json.loads(other.parameters)
        names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        by_device = {"precision": " (by device)"}  # the same was asked for, "auto": no default changed
        steps = (f"{name} {before.get(name)} -> {after.get(name)}{by_device.get(name, '')}" for name in names)
        return plain(", ".join(steps))


@dataclass(frozen=True)
class Match:
    """A cell of one side and its counterpart on the other; None where a side has none.

    ``why`` has the reasons why the two cannot be compared; empty where they can be, or where one is missing.
    """

    first: Identity | None
    second: Identity | None
    why: tuple[str, ...] = ()

    @property
    def either(self) -> Identity:
        """The second, where there is one."""
        identity = self.second or self.first
        assert identity is not None
        return identity


def match(first: Iterable[Identity], second: Iterable[Identity]) -> list[Match]:
    """Pair the cells of two sides: equal ones first, then those with the fewest differences."""
    sides: tuple[dict[Name, list[Identity]], dict[Name, list[Identity]]] = ({}, {})
    for side, identities in zip(sides, (first, second), strict=True):
        for identity in identities:
            side.setdefault(identity.name, []).append(identity)
    names = {**sides[0], **sides[1]}
    matches = [one for name in names for one in _match_named(*(side.get(name, []) for side in sides))]
    return sorted(matches, key=lambda one: one.either.order)


def _match_named(first: list[Identity], second: list[Identity]) -> list[Match]:
    """Equal ones need no search; only what is left is compared each with each."""
    equal = set(first) & set(second)
    matches = [Match(one, one) for one in first if one in equal]
    starts, ends = ([one for one in side if one not in equal] for side in (first, second))
    of_tables = _Differences()
    orders = {one: one.order for one in (*starts, *ends)} if starts and ends else {}
    pairs = []
    for one, other in product(starts, ends):
        why = (*of_tables.between(one.table, other.table), *one.row_differences(other))
        pairs.append((len(why), one.parameters != other.parameters, orders[one], orders[other], one, other, why))
    taken: tuple[set[Identity], set[Identity]] = (set(), set())
    for *_, one, other, why in sorted(pairs, key=lambda pair: pair[:4]):
        if one not in taken[0] and other not in taken[1]:
            matches.append(Match(one, other, why))
            taken[0].add(one)
            taken[1].add(other)
    matches += [Match(one, None) for one in starts if one not in taken[0]]
    return matches + [Match(None, other) for other in ends if other not in taken[1]]


class _Differences:
    """Differences between tables, each pair found once."""

    def __init__(self) -> None:
        self._found: dict[tuple[TableKey, TableKey], list[str]] = {}

    def between(self, one: TableKey, other: TableKey) -> list[str]:
        if (one, other) not in self._found:
            self._found[one, other] = one.differences(other)
        return self._found[one, other]


def _asked(identity: Identity) -> str:
    """Preset and changed parameters, empty where all is as by default."""
    return "; ".join(filter(None, (identity.preset, _changes(identity.variant))))


def _changes(parameters: str, length: int | None = None) -> str:
    return ", ".join(f"{name}={str(value)[:length]}" for name, value in json.loads(parameters).items())
