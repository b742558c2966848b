"""The report of a check of scores: a finding for each figure."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from hashbench.records.outdated import KINDS
from hashbench.reporting.identity import Identity
from hashbench.reporting.plain_text import plain

Verdict = Literal["passed", "improved", "regressed", "failed", "missing", "stale", "superseded", "gone", "new"]
FAILING: tuple[Verdict, ...] = ("regressed", "failed", "missing", *KINDS)
VERDICTS: tuple[Verdict, ...] = (*FAILING, "improved", "new", "passed")

SAME, SPREAD, SINGLE = "same runs", "spread over seeds", "no draw"
"""The rule of a verdict: the same runs in the same environment, other runs or another one, a deterministic method."""


@dataclass(frozen=True)
class Finding:
    """The verdict on one figure, or on a whole cell where ``metric`` is None.

    Attributes:
        identity: the cell.
        metric: which figure of it.
        verdict: those in :data:`FAILING` fail the check; "stale", "superseded" and "gone" are results that today's
            code would not make.
        reason: why a whole cell failed, is missing, outdated or new; else empty.
        baseline, now: means over the runs that were compared.
        worse_by: how much worse it is now, negative where it is better.
        tolerance: by how much it may be worse, or better without being listed as improved.
        rule: where the tolerance comes from, :data:`SAME`, :data:`SPREAD` or :data:`SINGLE`.
        runs: how many runs either mean is of.
        repetitions_needed: how many other runs it takes to see a drop by .03; None where no number does.
    """

    identity: Identity
    metric: str | None
    verdict: Verdict
    reason: str = ""
    baseline: float | None = None
    now: float | None = None
    worse_by: float | None = None
    tolerance: float | None = None
    rule: str = ""
    runs: tuple[int, int] = (0, 0)
    repetitions_needed: int | None = None

    @property
    def too_few(self) -> bool:
        """Whether these runs are too few to show a drop by .03 reliably."""
        return self.rule == SPREAD and (self.repetitions_needed is None or self.repetitions_needed > self.runs[1])

    @property
    def failing(self) -> bool:
        """Whether it makes the check fail."""
        return self.verdict in FAILING

    @property
    def table_name(self) -> str:
        """The cell's table."""
        return self.identity.table_name

    @property
    def label(self) -> str:
        """Cell and metric: "itq 16 bits, map@1000"."""
        return plain(f"{self.identity.label}, {self.metric}") if self.metric else self.identity.label

    @property
    def sentence(self) -> str:
        """In words: "0.621 is 0.030 below the baseline's 0.651, 0.016 is allowed (...)", without the label."""
        if self.now is None or self.baseline is None or self.worse_by is None or self.tolerance is None:
            return plain(self.reason)
        change = self.now - self.baseline
        where = f"{abs(change):.4f} {'above' if change > 0 else 'below'} the baseline's {self.baseline:.4f}"
        return f"{self.now:.4f} is {where}, {self.tolerance:.4f} is allowed ({self.how})"

    @property
    def how(self) -> str:
        """The rule with the numbers of runs."""
        old, new = self.runs
        return f"{self.rule}, {new} against {old}" if self.rule == SPREAD else f"{self.rule}, {new}"


@dataclass(frozen=True)
class Report:
    """The outcome of a check.

    Attributes:
        baseline, results: what was checked against what.
        findings: of all figures, in the order of their cells.
        notes: what else a reader should know, a line each.
        comparable: there is a finding for a cell that both have, even if its trials failed or do not fit.
    """

    baseline: str
    results: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    comparable: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many findings have each verdict, those that none has left out."""
        counts = Counter(finding.verdict for finding in self.findings)
        return {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]}

    @property
    def exit_code(self) -> int:
        """0 passed, 1 something regressed, failed, is missing or outdated, 3 there was nothing to compare."""
        if not self.comparable:
            return 3
        return int(any(finding.failing for finding in self.findings))

    @property
    def summary(self) -> str:
        """One line for all."""
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items()) or "no finished trials"
        outcome = {0: "passed", 1: "failed", 3: "nothing to compare"}[self.exit_code]
        reasons = dict.fromkeys(finding.reason for finding in self.findings if finding.failing)
        why = f" ({'; '.join(reasons)})" if self.exit_code == 3 and reasons else ""
        return plain(f"{outcome}: {self.results} against {self.baseline}: {counts}{why}")

    def as_json(self) -> dict[str, Any]:
        """Everything a program would read; a dictionary for each finding."""
        return {
            "baseline": self.baseline,
            "results": self.results,
            "exit_code": self.exit_code,
            "counts": self.counts,
            "findings": [_facts(finding) for finding in self.findings],
            "notes": list(self.notes),
        }


def _facts(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict,
        "label": finding.label,
        "cell": finding.identity.facts(),
        "metric": finding.metric,
        "reason": finding.reason,
        "baseline": finding.baseline,
        "now": finding.now,
        "worse_by": finding.worse_by,
        "tolerance": finding.tolerance,
        "rule": finding.rule or None,
        "runs": {"baseline": finding.runs[0], "now": finding.runs[1]},
        "repetitions_needed": finding.repetitions_needed,
    }
