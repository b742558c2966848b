"""The result of a comparison of two sets of results, cell by cell."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from hashbench.evaluation.headline import HEADLINE
from hashbench.records.outdated import KINDS
from hashbench.reporting.identity import Identity
from hashbench.reporting.statistics import Paired

Verdict = Literal[
    "better",
    "worse",
    "no evidence",
    "equal",
    "reference",
    "missing",
    "incomparable",
    "failed",
    "stale",
    "superseded",
    "gone",
]
FAILING: tuple[Verdict, ...] = ("worse", "failed", *KINDS)
VERDICTS: tuple[Verdict, ...] = (*FAILING, "better", "no evidence", "equal", "reference", "missing", "incomparable")


@dataclass(frozen=True)
class ComparedCell:
    """The comparison of one cell, the second side with the first.

    Attributes:
        first, second: which cells; None on the side that has none.
        verdict: "better" and "worse" have an adjusted p below .05; "equal" means the same AP of every
            query; "reference" is a reference row on both sides, which is shown and not judged; "failed" is a cell of
            the second side with trials that did not finish, "stale", "superseded" and "gone" are cells of it that
            today's code would not make.
        reason: why a cell was not compared or failed; what else there is to know of others, or empty.
        means: mean AP over queries on both sides, where they were compared.
        paired: the second less the first.
        adjusted_p: by Holm over all cells that differ, references left out; 1 for equal cells, None for references.
        runs: how many repetitions were averaged on each side.
        same_runs: they have the same root seeds and numbers.
        headline: what was compared, query by query.
    """

    first: Identity | None
    second: Identity | None
    verdict: Verdict
    reason: str = ""
    means: tuple[float, float] | None = None
    paired: Paired | None = None
    adjusted_p: float | None = None
    runs: tuple[int, int] = (0, 0)
    same_runs: bool = False
    headline: str = HEADLINE

    @property
    def identity(self) -> Identity:
        """Of the second side, where it has the cell."""
        identity = self.second or self.first
        assert identity is not None
        return identity

    @property
    def label(self) -> str:
        """The cell's, or both where two single records of different cells were compared."""
        if self.first and self.second and self.first.label != self.second.label:
            return f"{self.first.label} -> {self.second.label}"
        return self.identity.label


@dataclass(frozen=True)
class Comparison:
    """All cells of two sides; ``faults`` has a line for each file that could not be read."""

    first: str
    second: str
    cells: tuple[ComparedCell, ...]
    faults: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many cells have each verdict, those that none has left out."""
        counts = Counter(cell.verdict for cell in self.cells)
        return {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]}

    @property
    def compared(self) -> int:
        """How many cells of methods were compared; references are none."""
        return sum(cell.adjusted_p is not None for cell in self.cells)

    @property
    def tested(self) -> int:
        """For how many of them p was adjusted: those that differ."""
        return self.compared - self.counts.get("equal", 0)

    @property
    def exit_code(self) -> int:
        """1 where a cell is worse, failed or outdated, else 3 where none could be compared, else 0."""
        if any(verdict in FAILING for verdict in self.counts):
            return 1
        return 0 if self.compared else 3
