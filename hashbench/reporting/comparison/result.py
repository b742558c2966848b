"""The result of a comparison of two sets of results, cell by cell."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from hashbench.reporting.identity import Identity
from hashbench.reporting.statistics import Paired

Verdict = Literal["better", "worse", "no evidence", "equal", "reference", "missing", "incomparable"]
VERDICTS: tuple[Verdict, ...] = ("worse", "better", "no evidence", "equal", "reference", "missing", "incomparable")


@dataclass(frozen=True)
class ComparedCell:
    """The comparison of one cell, the second side with the first.

    Attributes:
        first, second: which cells; None on the side that has none.
        verdict: "better" and "worse" have an adjusted p below .05; "equal" means the same AP of every
            query; "reference" is a reference row on both sides, which is shown and not judged.
        reason: why a cell is missing or incomparable; what else there is to know of others, or empty.
        means: mean AP over queries on both sides, where they were compared.
        paired: the second less the first.
        adjusted_p: by Holm over all cells that differ, references left out; 1 for equal cells, None for references.
        runs: how many repetitions were averaged on each side.
        same_runs: they have the same root seeds and numbers.
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
        """0 where no cell is worse, 1 where one is, 3 where none could be compared."""
        return 3 if not self.compared else int("worse" in self.counts)
