"""Per-query AP of methods whose true means are known, and rules that say which cannot be told apart from the best."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashbench.reporting.multiple_comparisons import compare_groups
from hashbench.reporting.statistics import SIGNIFICANCE, holm, paired_bootstraps

Cells = list[npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Tables:
    """Tables of one column: queries differ in how hard they are, methods and trainings in which they find hard.

    Attributes:
        seeds: standard deviation between the means of trainings of one method.
        repetitions: trainings of each method.
        better: how much better the first method is than all others.
    """

    seeds: float = 0.0
    repetitions: int = 1
    better: float = 0.0
    methods: int = 8
    queries: int = 1_000

    def draw(self, generator: np.random.Generator) -> Cells:
        """One table: of each method AP [repetitions, queries]; two trainings differ by .18 per query."""
        hard = generator.beta(0.5, 1, self.queries)
        shape = (self.repetitions, self.queries)
        cells = []
        for method in range(self.methods):
            own = hard + generator.normal(0, 0.11, self.queries) + (0 if method else self.better)
            trainings = generator.normal(0, self.seeds, (self.repetitions, 1))
            cells.append(own + trainings + generator.normal(0, 0.07, shape))
        return cells


def apart_from_best(cells: Cells, resamples: int) -> tuple[int, list[int]]:
    """The observed best method, and those that are told apart from it."""
    (compared,) = compare_groups(cells, [[[method] for method in range(len(cells))]], resamples=resamples)
    best = int(np.argmax([cell.mean() for cell in cells]))
    return best, [method for method in range(len(cells)) if compared.apart(best, method)]


def apart_by_holm(cells: Cells) -> tuple[int, list[int]]:
    """The rule that was used before: the observed best against each other one, Holm over those, queries only."""
    means = [cell.mean(axis=0) for cell in cells]
    best = int(np.argmax([mean.mean() for mean in means]))
    others = [method for method in range(len(cells)) if method != best]
    adjusted = holm([paired.p for paired in paired_bootstraps((means[other], means[best]) for other in others)])
    return best, [other for other, p in zip(others, adjusted, strict=True) if p < SIGNIFICANCE]
