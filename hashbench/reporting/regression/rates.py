"""The gate of throughput: base against head, both measured on one machine in one job."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from hashbench.records.results import Results, results
from hashbench.records.store import Record
from hashbench.reporting.identity import Identity, match
from hashbench.reporting.plain_text import plain
from hashbench.reporting.rates import rate_text
from hashbench.reporting.repetitions import repetitions

ONE_JOB = timedelta(hours=6)
"""All measurements of both sides lie within this time; a job of GitHub's own runners takes no longer."""

SLOWER = 0.2

Verdict = Literal["passed", "slower", "faster", "missing"]
VERDICTS: tuple[Verdict, ...] = ("slower", "missing", "faster", "passed")


@dataclass(frozen=True)
class Rate:
    """Items per second: medians over the repetitions of a cell of the median and the quartiles of each."""

    median: float
    q1: float
    q3: float


@dataclass(frozen=True)
class RateFinding:
    """One rate of a cell, in items per second, on the base and on the head; None where it is missing."""

    identity: Identity
    rate: str
    verdict: Verdict
    base: Rate | None
    head: Rate | None = None

    @property
    def ground(self) -> str:
        """What the cell stands on."""
        return self.identity.ground

    @property
    def label(self) -> str:
        """Cell and rate."""
        return plain(f"{self.identity.label}, {self.rate}") if self.rate else self.identity.label

    @property
    def failing(self) -> bool:
        """Whether the check fails by it."""
        return self.verdict in ("slower", "missing")

    @property
    def ratio(self) -> float | None:
        """Head / base."""
        return self.head.median / self.base.median if self.head and self.base else None

    @property
    def sentence(self) -> str:
        """What happened."""
        if self.head is None or self.base is None or self.ratio is None:
            return "measured on the base, not on the head"
        return f"{rate_text(self.head.median)}/s, {self.ratio:.2f} times the base's {rate_text(self.base.median)}/s"


@dataclass(frozen=True)
class RateReport:
    """The outcome; ``refused`` says why nothing was compared, where that is so."""

    base: str
    head: str
    slower: float
    hardware: str
    findings: tuple[RateFinding, ...] = ()
    refused: str = ""
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many rates have each verdict."""
        found = [finding.verdict for finding in self.findings]
        return {verdict: found.count(verdict) for verdict in VERDICTS if verdict in found}

    @property
    def exit_code(self) -> int:
        """0 nothing is slower, 1 something is or is missing, 3 there was nothing to compare."""
        return 3 if self.refused else int(any(finding.failing for finding in self.findings))

    @property
    def summary(self) -> str:
        """One line for all."""
        if self.refused:
            return plain(f"nothing to compare: {self.head} against {self.base}: {self.refused}")
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        return plain(f"{'failed' if self.exit_code else 'passed'}: {self.head} against {self.base}: {counts}")

    def as_json(self) -> dict[str, Any]:
        """Everything a program would read."""
        return {
            "base": self.base,
            "head": self.head,
            "exit_code": self.exit_code,
            "slower": self.slower,
            "hardware": self.hardware,
            "refused": self.refused or None,
            "counts": self.counts,
            "findings": [
                asdict(finding) | {"identity": finding.identity.facts(), "label": finding.label, "ratio": finding.ratio}
                for finding in self.findings
            ],
            "notes": list(self.notes),
        }


def check_rates(base: str | Path, head: str | Path, slower: float = SLOWER) -> RateReport:
    """Whether the rates in result folder ``head`` fall behind those in ``base``.

    A rate is slower, or faster, where the medians differ by more than the share ``slower`` and their quartiles lie
    apart. Refused are measurements of other machines, of unknown time, or more than six hours apart: not of one job.

    Raises:
        UsageError: a side is a file.
    """
    sides = (results(base), results(head))
    notes = tuple(plain(fault) for side in sides for fault in side.faults)
    hardware, refused = _one_machine(sides, (str(base), str(head)))
    if refused:
        return RateReport(str(base), str(head), slower, hardware, refused=refused, notes=notes)
    own, its = (_rates(side, hardware) for side in sides)
    pairs = [(one.first, None if one.why else one.second) for one in match(own, its)]
    findings = [finding for first, second in pairs if first for finding in _judged(first, second, own, its, slower)]
    refused = "" if any(first and second for first, second in pairs) else "no cell was measured on both sides"
    return RateReport(str(base), str(head), slower, hardware, () if refused else tuple(findings), refused, notes)


def _one_machine(sides: tuple[Results, Results], names: tuple[str, str]) -> tuple[str, str]:
    """The hardware id that both have, and why there is nothing to compare on it, or nothing."""
    for side, name in zip(sides, names, strict=True):
        if not side.throughputs:
            return "", f"{name} has no throughput; hashbench measure makes it"
    ids = [{throughput["hardware"]["id"] for throughput in side.throughputs} for side in sides]
    common = sorted(ids[0] & ids[1])
    if not common:
        machines = " and ".join(_machine(side.throughputs[0]) for side in sides)
        return "", f"measured on other hardware: {machines}"
    hardware = common[0]
    measured = [t for side in sides for t in side.throughputs if t["hardware"]["id"] == hardware]
    times = [_time(throughput) for throughput in measured]
    known = [time for time in times if time is not None]
    if len(known) < len(times):
        return hardware, "some throughput does not say when it was measured; hashbench measure repeats it"
    if max(known) - min(known) > ONE_JOB:
        apart = max(known) - min(known)
        return hardware, f"measured up to {apart.total_seconds() / 3600:.0f} hours apart, not in turn in one job"
    return hardware, ""


def _machine(throughput: Record) -> str:
    facts = throughput["hardware"]
    return f"{facts['cpu']}, {facts['threads']} threads on {facts['device']} ({facts['id']})"


def _time(throughput: Record) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(throughput.get("measured")))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _rates(side: Results, hardware: str) -> dict[Identity, dict[str, Rate]]:
    """The rates of each cell that was measured on this hardware, by their names."""
    measured = {t["key"]: t for t in side.throughputs if t["hardware"]["id"] == hardware}
    found: dict[Identity, dict[str, Rate]] = {}
    for identity, cell in repetitions(side).items():
        named: dict[str, list[Mapping[str, float]]] = {}
        for record in cell.runs.values():
            for name, rate in _named(measured[record["key"]]) if record["key"] in measured else ():
                named.setdefault(name, []).append(rate)
        if named:
            found[identity] = {name: _over_repetitions(rates) for name, rates in named.items()}
    return found


def _named(throughput: Record) -> Iterator[tuple[str, Mapping[str, float]]]:
    for name, words in (("images_per_s", "encoding images"), ("features_per_s", "encoding features")):
        rates = throughput["encode"][name]
        if rates:
            yield words, rates
            if rates.get("single"):
                yield f"{words} one by one", rates["single"]
    for k, rates in throughput["search"].items():
        yield f"searching {k} nearest", rates["queries_per_s"]


def _over_repetitions(rates: list[Mapping[str, float]]) -> Rate:
    return Rate(*(statistics.median(rate[part] for rate in rates) for part in ("median", "q1", "q3")))


def _judged(
    first: Identity,
    second: Identity | None,
    own: Mapping[Identity, Mapping[str, Rate]],
    its: Mapping[Identity, Mapping[str, Rate]],
    slower: float,
) -> Iterator[RateFinding]:
    if second is None:
        yield RateFinding(first, "", "missing", None)
        return
    for name, base in own[first].items():
        head = its[second].get(name)
        yield RateFinding(first, name, _verdict(base, head, slower), base, head)


def _verdict(base: Rate, head: Rate | None, slower: float) -> Verdict:
    if head is None:
        return "missing"
    if head.median < (1 - slower) * base.median and head.q3 < base.q1:
        return "slower"
    if base.median < (1 - slower) * head.median and base.q3 < head.q1:
        return "faster"
    return "passed"
