"""The report of a check of rates: a finding for each method and kind of rate."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from hashbench.records.outdated import KINDS
from hashbench.reporting.identity import Identity
from hashbench.reporting.plain_text import plain, rate_text

Verdict = Literal["passed", "slower", "faster", "missing", "failed", "stale", "superseded", "gone"]
FAILING: tuple[Verdict, ...] = ("slower", "failed", "missing", *KINDS)
VERDICTS: tuple[Verdict, ...] = (*FAILING, "faster", "passed")


@dataclass(frozen=True)
class Rate:
    """Items per second of one side: the geometric mean over a method's cells, for each round.

    Attributes:
        median, least, most: over the rounds.
        rounds: how many.
    """

    median: float
    least: float
    most: float
    rounds: int


@dataclass(frozen=True)
class RateFinding:
    """One kind of rate of a method on one machine, on the base and on the head; None where it is missing.

    Attributes:
        identity: the method, without code length; of a missing rate the cell.
        hardware: id of the machine.
        rate: which kind; empty where none of a cell are judged.
        verdict: those in :data:`FAILING` fail the check.
        cells: over how many code lengths.
        reason: why trials of the head failed, or would not be made by today's code; else empty.
    """

    identity: Identity
    hardware: str
    rate: str
    verdict: Verdict
    cells: int = 1
    base: Rate | None = None
    head: Rate | None = None
    reason: str = ""

    @property
    def table_name(self) -> str:
        """The method's table, and where it was measured."""
        return plain(f"{self.identity.table_name}, hardware {self.hardware}")

    @property
    def label(self) -> str:
        """Method, or cell, and rate."""
        return plain(f"{self.identity.label}, {self.rate}") if self.rate else self.identity.label

    @property
    def failing(self) -> bool:
        """Whether it makes the check fail."""
        return self.verdict in FAILING

    @property
    def ratio(self) -> float | None:
        """Head / base."""
        return self.head.median / self.base.median if self.head and self.base else None

    @property
    def sentence(self) -> str:
        """A sentence on what happened."""
        if self.reason:
            return plain(self.reason)
        if self.head is None or self.base is None or self.ratio is None:
            return "measured on the base, not on the head"
        cells = f", mean of {self.cells} code lengths" if self.cells > 1 else ""
        return (
            f"{rate_text(self.head.median)}/s, {self.ratio:.2f} times the base's {rate_text(self.base.median)}/s "
            f"({self.head.rounds} rounds against {self.base.rounds}{cells})"
        )


@dataclass(frozen=True)
class RateReport:
    """The outcome; ``refused`` is why nothing was compared, else empty.

    Attributes:
        machines: those that were judged, in words.
        notes: what was not judged and why, and files that could not be read, a line each.
    """

    base: str
    head: str
    slower: float
    machines: tuple[str, ...] = ()
    findings: tuple[RateFinding, ...] = ()
    refused: str = ""
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many rates have each verdict."""
        verdicts = [finding.verdict for finding in self.findings]
        return {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}

    @property
    def exit_code(self) -> int:
        """0 nothing is slower, 1 something is, or failed, is missing or outdated, 3 there was nothing to compare."""
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
            "machines": list(self.machines),
            "refused": self.refused or None,
            "counts": self.counts,
            "findings": [
                asdict(finding) | {"identity": finding.identity.facts(), "label": finding.label, "ratio": finding.ratio}
                for finding in self.findings
            ],
            "notes": list(self.notes),
        }
