"""The regression gate: checks each figure of the results against a baseline."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean

from hashbench.evaluation.headline import HEADLINE
from hashbench.records.results import Results, existing_results
from hashbench.reporting.identity import Identity, Match, match
from hashbench.reporting.plain_text import plain
from hashbench.reporting.regression.baseline import Baseline, BaselineCell, Figure, common_environment
from hashbench.reporting.regression.baseline_file import read_baseline
from hashbench.reporting.regression.report import SAME, SINGLE, SPREAD, Finding, Report, Verdict
from hashbench.reporting.regression.tolerance import DROP, for_repetitions
from hashbench.reporting.repetitions import Repetitions, failure_reason, repetitions

_ROUNDING = 1e-6  # of the values in a baseline


def check(baseline: str | Path = "results/baseline.json", folder: str | Path = "results") -> Report:
    """Judge a result folder by a baseline file.

    Raises:
        UsageError: the baseline is missing or malformed, or the folder is not there or a file.
    """
    return judge(read_baseline(Path(baseline)), existing_results(folder), (str(baseline), str(folder)))


def judge(baseline: Baseline, results: Results, names: tuple[str, str]) -> Report:
    """Judge results by a baseline; ``names`` are those of both for the report."""
    old = {cell.identity: cell for cell in baseline.cells}
    new = repetitions(results)
    matches = match(old, new)
    findings_of = [(one, tuple(_findings(one, old, new, baseline.directions))) for one in matches]
    findings = tuple(finding for _, own in findings_of for finding in own)
    comparable = any(one.first and one.second and own for one, own in findings_of)
    notes = (*map(plain, results.faults), *_too_few(findings), *_changed_defaults(matches))
    return Report(*names, findings, notes, comparable)


def _findings(
    one: Match,
    old: Mapping[Identity, BaselineCell],
    new: Mapping[Identity, Repetitions],
    directions: Mapping[str, str],
) -> Iterator[Finding]:
    if one.first is None:
        if new[one.either].runs:
            yield Finding(one.either, None, "new", "not in the baseline")
    elif one.second is None:
        yield Finding(one.first, None, "missing", "not in the results")
    elif one.why:
        yield Finding(one.first, None, "missing", f"what the results have cannot be compared: {'; '.join(one.why)}")
    elif new[one.second].failed:
        yield Finding(one.first, None, "missing", failure_reason(new[one.second]))
    else:
        before, now = old[one.first], new[one.second]
        for metric, figure in before.metrics.items():
            yield _judged(before, now, metric, figure, directions[metric])


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
        if finding.metric == HEADLINE and finding.too_few:
            wanted = (
                f"{finding.repetitions_needed} are needed"
                if finding.repetitions_needed
                else f"and {finding.runs[0]} in the baseline, too few on both sides"
            )
            yield f"{finding.identity.label}: {finding.runs[1]} repetitions, {wanted} to see {HEADLINE} drop by {DROP}"


def _changed_defaults(matches: list[Match]) -> Iterator[str]:
    for one in matches:
        if one.first and one.second and not one.why and (changed := one.first.changed_defaults(one.second)):
            yield f"{one.first.label}: defaults changed since the baseline: {changed}"
