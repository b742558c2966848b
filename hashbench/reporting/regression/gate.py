"""The regression gate: checks each figure of the results against a baseline."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from hashbench.evaluation.headline import HEADLINES
from hashbench.records.outdated import KINDS, WAY_OUT, OutdatedRecords
from hashbench.records.results import Results
from hashbench.reporting.identity import Identity, Match, match
from hashbench.reporting.plain_text import plain
from hashbench.reporting.regression.baseline import Baseline, BaselineCell, Figure, common_environment
from hashbench.reporting.regression.report import SAME, SINGLE, SPREAD, Finding, Report, Verdict
from hashbench.reporting.regression.tolerance import DROP, for_repetitions
from hashbench.reporting.repetitions import Repetitions, failure_reason, left_out_reason, outdated_reason, repetitions

_ROUNDING = 1e-6  # of the values in a baseline


@dataclass(frozen=True)
class Judging:
    """What results are held to beside the figures of a baseline.

    Attributes:
        outdated: records that today's code would not make.
        absent: why methods of the baseline are not here, by their name.
        allow_stale: outdated records are judged like others, and noted.
        repeats: how many repetitions a cell needs where the baseline has as many; None for all of the baseline's.
    """

    outdated: OutdatedRecords = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    allow_stale: bool = False
    repeats: int | None = None


def judge(baseline: Baseline, results: Results, names: tuple[str, str], judging: Judging = Judging()) -> Report:
    """Judge results by a baseline; ``names`` are those of both for the report."""
    old = {cell.identity: cell for cell in baseline.cells}
    new = repetitions(results, judging.outdated)
    matches = match(old, new)
    findings_of = [(one, tuple(_findings(one, old, new, baseline.directions, judging))) for one in matches]
    findings = tuple(finding for _, own in findings_of for finding in own)
    comparable = any(one.first and one.second and own for one, own in findings_of)
    notes = (
        *([] if results.records else [plain(f"{names[1]} has no records of trials")]),
        *map(plain, results.faults),
        *_judged_though_outdated(matches, new, judging),
        *_way_out(findings, judging),
        *_left_out(matches, new),
        *_too_few(findings),
        *_changed_defaults(matches),
    )
    return Report(*names, findings, notes, comparable)


def _findings(
    one: Match,
    old: Mapping[Identity, BaselineCell],
    new: Mapping[Identity, Repetitions],
    directions: Mapping[str, str],
    judging: Judging,
) -> Iterator[Finding]:
    if one.first is None:
        yield from _new(new[one.either], judging)
    elif one.second is None:
        why = judging.absent.get(one.first.method)
        verdict: Verdict = "gone" if why else "missing"
        yield Finding(one.first, None, verdict, f"not in the results, and {why}" if why else "not in the results")
    elif one.why:
        yield Finding(one.first, None, "missing", f"what the results have cannot be compared: {'; '.join(one.why)}")
    else:
        yield from _cell_findings(old[one.first], new[one.second], directions, judging)


def _new(now: Repetitions, judging: Judging) -> Iterator[Finding]:
    """A cell that the baseline lacks: nothing to judge it by, but it has to be of today's code and to have finished."""
    outdated = None if judging.allow_stale else outdated_reason(now)
    if outdated:
        yield Finding(now.identity, None, outdated.kind, f"{outdated.reason}; not in the baseline")
    elif any(record["status"] != "skipped" for record in now.failed):
        yield Finding(now.identity, None, "failed", f"{failure_reason(now)}; not in the baseline")
    elif now.runs:
        yield Finding(now.identity, None, "new", "not in the baseline")


def _cell_findings(
    before: BaselineCell, now: Repetitions, directions: Mapping[str, str], judging: Judging
) -> Iterator[Finding]:
    outdated = None if judging.allow_stale else outdated_reason(now)
    if outdated:
        yield Finding(before.identity, None, outdated.kind, outdated.reason)
        return
    if now.failed:
        yield Finding(before.identity, None, "failed", failure_reason(now))
        return
    wanted = min(len(before.runs), judging.repeats or len(before.runs))
    if len(now.runs) < wanted:
        yield Finding(before.identity, None, "missing", _too_few_runs(len(now.runs), wanted, len(before.runs)))
    for metric, figure in before.metrics.items():
        yield _judged(before, now, metric, figure, directions[metric])


def _too_few_runs(now: int, wanted: int, baseline: int) -> str:
    has = f"{now} repetition{'s' if now > 1 else ''}"
    if wanted < baseline:
        return f"{has}, wanted {wanted}; run with --repeats {wanted}"
    return f"{has}, the baseline has {wanted}; run with --repeats {wanted}, or check with --repeats {now}"


def _judged(before: BaselineCell, now: Repetitions, metric: str, figure: Figure, direction: str) -> Finding:
    values = now.values(metric)
    undefined = sum(value is None for value in values.values())
    if undefined:
        reason = f"not a number in {undefined} of {len(values)} repetitions"
        return Finding(before.identity, metric, "missing", reason)
    own = dict(zip(before.runs, figure.values, strict=True))
    common = sorted(own.keys() & values.keys()) if _same_environment(before, now) else []
    if common:
        means = (fmean(own[run] for run in common), fmean(values[run] or 0.0 for run in common))
        return _verdict(before, metric, means, figure.same, SAME, (len(common), len(common)), direction)
    means = (figure.mean, fmean(value or 0.0 for value in values.values()))
    runs = (len(before.runs), len(values))
    rule = SPREAD if figure.sd is not None else SINGLE
    if figure.other is None or (rule == SINGLE and len(values) > 1):
        reason = (
            "one repetition in the baseline does not tell how far seeds spread, and these are other runs, or of other "
            "hardware or versions; make the baseline anew from more (--repeats)"
        )
        return Finding(before.identity, metric, "missing", reason)
    allowed = max(figure.same, for_repetitions(figure.other, *runs))
    return _verdict(before, metric, means, allowed, rule, runs, direction, figure.repetitions_needed)


def _same_environment(before: BaselineCell, now: Repetitions) -> bool:
    return before.environment is not None and before.environment == common_environment(now)


def _verdict(
    cell: BaselineCell,
    metric: str,
    means: tuple[float, float],
    allowed: float,
    rule: str,
    runs: tuple[int, int],
    direction: str,
    needed: int | None = None,
) -> Finding:
    baseline, now = means
    worse_by = baseline - now if direction == "up" else now - baseline
    beyond = abs(worse_by) > allowed + _ROUNDING
    verdict: Verdict = "passed" if not beyond else "regressed" if worse_by > 0 else "improved"
    return Finding(cell.identity, metric, verdict, "", baseline, now, worse_by, allowed, rule, runs, needed)


def _too_few(findings: tuple[Finding, ...]) -> Iterator[str]:
    """Cells whose headline is judged by too few runs to show the drop that the gate is to see."""
    for finding in findings:
        if finding.metric in HEADLINES and finding.too_few:
            wanted = (
                f"{finding.repetitions_needed} are needed"
                if finding.repetitions_needed
                else f"and {finding.runs[0]} in the baseline, too few on both sides"
            )
            now = f"{finding.identity.label}: {finding.runs[1]} repetitions"
            yield f"{now}, {wanted} to see {finding.metric} drop by {DROP}"


def _changed_defaults(matches: list[Match]) -> Iterator[str]:
    for one in matches:
        if one.first and one.second and not one.why and (changed := one.first.changed_defaults(one.second)):
            yield f"{one.first.label}: defaults changed since the baseline: {changed}"


def _judged_though_outdated(
    matches: list[Match], new: Mapping[Identity, Repetitions], judging: Judging
) -> Iterator[str]:
    for one in matches:
        if judging.allow_stale and one.first and one.second and (why := outdated_reason(new[one.second])):
            yield plain(f"{one.first.label}: judged though {why}")


def _left_out(matches: list[Match], new: Mapping[Identity, Repetitions]) -> Iterator[str]:
    for one in matches:
        if one.first and one.second and (records := left_out_reason(new[one.second])):
            yield f"{one.first.label}: {records}, where another kind of device has as many repetitions or more"


def _way_out(findings: tuple[Finding, ...], judging: Judging) -> Iterator[str]:
    if not judging.allow_stale and any(finding.verdict in KINDS for finding in findings):
        yield WAY_OUT
