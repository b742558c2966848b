"""The throughput gate: base against head, measured alternately on one machine in one job."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from hashbench.records.outdated import KINDS, WAY_OUT, FindOutdated, none_outdated
from hashbench.records.results import Results, results
from hashbench.records.store import Record
from hashbench.reporting.identity import Identity, match
from hashbench.reporting.plain_text import machine_text, plain
from hashbench.reporting.regression.rate_report import Rate, RateFinding, RateReport, Verdict
from hashbench.reporting.repetitions import Repetitions, Run, failure_reason, outdated_reason, repetitions

MAX_JOB_TIME = timedelta(hours=6)
"""All measurements of both sides lie within this time; a job of GitHub's own runners takes no longer."""

MIN_ROUNDS = 3
"""Repetitions that each side needs. With 3 on both, noise alone sets the ranges apart once in 20 times (1 / C(6, 3) for
the side that is slower), and then has to make 20 % besides."""

SLOWER = 0.2


@dataclass
class _Cell:
    """The measurements of a cell on one machine, by repetition: time, and the median of each kind of rate."""

    times: list[datetime] = field(default_factory=list)
    rates: dict[str, dict[Run, float]] = field(default_factory=dict)


_Pair = tuple[_Cell, _Cell]
_Trials = tuple[Mapping[Identity, Repetitions], Mapping[Identity, Repetitions]]
_Troubles = dict[Identity, tuple[Verdict, str]]
"""Cells of the head that fail whatever their rates, with verdict and reason."""


def check_rates(
    base: str | Path,
    head: str | Path,
    slower: float = SLOWER,
    find_outdated: FindOutdated = none_outdated,
    allow_stale: bool = False,
) -> RateReport:
    """Whether the rates in result folder ``head`` fall behind those in ``base``, on each machine that both have.

    Each kind of rate of a method is judged once, by its geometric mean over the code lengths, in each of 3 rounds or
    more. It is slower, or faster, where the medians over the rounds differ by more than the share ``slower`` and the
    ranges of the rounds lie apart. A machine changes its speed within minutes, so the rounds have to alternate:
    rounds of one side before all of the other, of unknown time or more than six hours apart are refused.

    Cells of ``head`` whose trials failed, or that today's code would not make, fail.

    Args:
        base: the folder to compare with.
        head: the folder that is judged.
        slower: by which share a rate may be lower.
        find_outdated: finds records of ``head`` that today's code would not make.
        allow_stale: judge the rates of those like others.

    Raises:
        UsageError: a side is not a folder.
    """
    sides = (results(base), results(head))
    names = (str(base), str(head))
    trials = (repetitions(sides[0]), repetitions(sides[1], find_outdated(sides[1])))
    troubles = _troubles(trials[1], allow_stale)
    notes = [plain(fault) for side in sides for fault in side.faults]
    machines = [{each["hardware"]["id"]: _machine(each) for each in side.throughputs} for side in sides]
    common = sorted(machines[0].keys() & machines[1].keys())
    refused = [] if common else [_nothing_in_common(machines, names)]
    for own, name in zip(machines, names, strict=True) if common else ():
        alone = sorted(own.keys() - common)
        notes += [f"not judged: measured in {name} alone: {own[hardware]}" for hardware in alone]
    findings: list[RateFinding] = []
    judged = []
    for hardware in common:
        of_machine, reasons = _on_one_machine(sides, trials, troubles, hardware, slower)
        findings += of_machine
        if of_machine:
            judged.append(machines[0][hardware])
            notes += [f"not judged: {line}" for line in reasons]
        else:
            refused += [f"{line}, {machines[0][hardware]}" if len(common) > 1 else line for line in reasons]
    if findings:
        notes += [f"not judged: {line}" for line in refused]
    else:
        notes += [f"{verdict}: {one.label} on {one.table_name}: {why}" for one, (verdict, why) in troubles.items()]
    if any(finding.verdict in KINDS for finding in findings):
        notes.append(WAY_OUT)
    why = "" if findings else "; ".join(refused)
    return RateReport(*names, slower, tuple(judged), tuple(findings), why, tuple(map(plain, notes)))


def _nothing_in_common(machines: list[dict[str, str]], names: tuple[str, str]) -> str:
    for own, name in zip(machines, names, strict=True):
        if not own:
            return f"{name} has no throughput; hashbench measure makes it"
    return f"measured on other hardware: {' and '.join(next(iter(own.values())) for own in machines)}"


def _machine(throughput: Record) -> str:
    hardware = throughput["hardware"]
    return f"{machine_text(hardware, brief=True)} on {hardware['device']} ({hardware['id']})"


def _troubles(head: Mapping[Identity, Repetitions], allow_stale: bool) -> _Troubles:
    troubles: _Troubles = {}
    for identity, cell in head.items():
        outdated = None if allow_stale else outdated_reason(cell)
        if outdated:
            troubles[identity] = outdated.kind, outdated.reason
        elif cell.failed:
            troubles[identity] = "failed", failure_reason(cell)
    return troubles


def _on_one_machine(
    sides: tuple[Results, Results], trials: _Trials, troubles: _Troubles, hardware: str, slower: float
) -> tuple[list[RateFinding], list[str]]:
    """The findings, and why others, or all, were not judged."""
    measured = [t for side in sides for t in side.throughputs if t["hardware"]["id"] == hardware]
    times = [time for time in map(_time, measured) if time is not None]
    if len(times) < len(measured):
        return [], ["some throughput does not say when it was measured; hashbench measure repeats it"]
    apart = max(times) - min(times)
    if apart > MAX_JOB_TIME:
        return [], [f"measured up to {apart.total_seconds() / 3600:.0f} hours apart, not in turn in one job"]
    base, head = (_cells(side, own, hardware) for side, own in zip(sides, trials, strict=True))
    pairs = [(one.first, None if one.why else one.second) for one in match(base, dict.fromkeys((*head, *troubles)))]
    rows: dict[Identity, list[_Pair]] = {}
    findings = []
    for first, second in pairs:
        if first and second in troubles:
            verdict, why = troubles[second]
            findings.append(RateFinding(first, hardware, "", verdict, reason=why))
        elif first and second:
            rows.setdefault(replace(first, bits=None), []).append((base[first], head[second]))
            lacking = [name for name in base[first].rates if name not in head[second].rates]
            findings += [RateFinding(first, hardware, name, "missing") for name in lacking]
        elif first:
            findings.append(RateFinding(first, hardware, "", "missing"))
    if not rows and not any(finding.reason for finding in findings):
        return [], ["no cell was measured on both sides"]
    reasons: list[str] = []
    for row, cells in rows.items():
        for finding, reason in _judged(row, hardware, cells, slower):
            findings += [finding] if finding else []
            reasons += [f"{row.label} on {row.table_name}: {reason}"] if reason else []
    return sorted(findings, key=lambda finding: finding.identity.order), list(dict.fromkeys(reasons))


def _time(throughput: Record) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(throughput.get("measured")))
    except ValueError:
        return None
    return time if time.tzinfo else None


def _cells(side: Results, trials: Mapping[Identity, Repetitions], hardware: str) -> dict[Identity, _Cell]:
    """The measurements of each cell on this hardware."""
    measured = {t["key"]: t for t in side.throughputs if t["hardware"]["id"] == hardware}
    cells: dict[Identity, _Cell] = {}
    for identity, cell in trials.items():
        for run, record in cell.runs.items():
            throughput = measured.get(record["key"])
            time = _time(throughput) if throughput else None
            if throughput is None or time is None:
                continue
            one = cells.setdefault(identity, _Cell())
            one.times.append(time)
            for name, rates in _named(throughput):
                one.rates.setdefault(name, {})[run] = rates["median"]
    return cells


def _named(throughput: Record) -> Iterator[tuple[str, Mapping[str, float]]]:
    for name, words in (("images_per_s", "encoding images"), ("features_per_s", "encoding features")):
        rates = throughput["encode"][name]
        if rates:
            yield words, rates
            if rates.get("single"):
                yield f"{words} one by one", rates["single"]
    for k, rates in throughput["search"].items():
        yield f"searching {k} nearest", rates["queries_per_s"]


def _judged(
    row: Identity, hardware: str, cells: list[_Pair], slower: float
) -> Iterator[tuple[RateFinding | None, str]]:
    """A finding for each kind of rate, or why there is none."""
    base_times, head_times = ([time for pair in cells for time in pair[side].times] for side in (0, 1))
    in_turn = max(base_times) >= min(head_times) and max(head_times) >= min(base_times)
    for name in dict.fromkeys(name for one, _ in cells for name in one.rates):
        both = [(one.rates[name], two.rates[name]) for one, two in cells if name in one.rates and name in two.rates]
        if not both:
            continue  # it is listed as missing
        base, head = (_over_cells([pair[side] for pair in both]) for side in (0, 1))
        if min(len(base), len(head)) < MIN_ROUNDS:
            rounds = f"{len(head)} round{'s' if len(head) > 1 else ''} against {len(base)}"
            yield None, f"{rounds}, {MIN_ROUNDS} repetitions on both sides are needed"
        elif not in_turn:
            yield None, "one side was measured after all of the other, not in turn"
        else:
            rates = _rate(base), _rate(head)
            yield RateFinding(row, hardware, name, _verdict(*rates, slower), len(both), *rates), ""


def _over_cells(cells: list[dict[Run, float]]) -> list[float]:
    """The mean over cells in each round that all have."""
    rounds = set.intersection(*(set(cell) for cell in cells))
    return [statistics.geometric_mean(cell[one] for cell in cells) for one in sorted(rounds)]


def _rate(rounds: list[float]) -> Rate:
    return Rate(statistics.median(rounds), min(rounds), max(rounds), len(rounds))


def _verdict(base: Rate, head: Rate, slower: float) -> Verdict:
    if head.median < (1 - slower) * base.median and head.most < base.least:
        return "slower"
    if base.median < (1 - slower) * head.median and base.most < head.least:
        return "faster"
    return "passed"
