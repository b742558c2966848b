"""Fits and measures the candidates within the time there is: all on a small sample, then on the largest that fits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch

from hashbench.advice.budget import Budget
from hashbench.advice.candidates import Candidate, candidates
from hashbench.advice.request import Request
from hashbench.advice.sample import Collection, Draw, Sample
from hashbench.advice.trial import Fitted, Measurement, fit, measure
from hashbench.errors import Incompatible, UsageError, in_words
from hashbench.evaluation.neighbours import Neighbours

WARM_UP_ROWS = 200
# Shares of the budget at which the two samples have to be done; the rest is for latencies and reports.
SMALL_UNTIL, LARGE_UNTIL = 0.5, 0.85


@dataclass(eq=False)
class Entry:
    """A fitted candidate, on the small sample and, where there was time, on the large one."""

    fitted: Fitted
    small: Measurement
    large: Measurement | None = None

    def promising(self, share: float) -> bool:
        """Whether the small sample's neighbours are kept by some m; on more vectors less is kept."""
        return any(curves.mean(0)[-1] >= share for curves in self.small.shares.values())


@dataclass(eq=False)
class Study:
    """What was measured.

    Attributes:
        sample: queries and rows.
        small: size of the small sample.
        large: size of the large one; None where there is one sample.
        entries: what was fitted, in the order of the candidates.
        untried: what was not tried or measured, in words.
    """

    sample: Sample
    small: int
    large: int | None = None
    entries: list[Entry] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Of the sample that the figures are of."""
        return self.large or self.small

    def measured(self) -> list[tuple[Entry, Measurement]]:
        """The entries that were measured on that sample."""
        found = [(entry, entry.large if self.large else entry.small) for entry in self.entries]
        return [(entry, measurement) for entry, measurement in found if measurement is not None]


def study(collection: Collection, request: Request, device: torch.device, budget: Budget) -> Study:
    """Measure as many candidates as there is time for.

    Raises:
        UsageError: the time was too short for any.
    """
    draw = Draw(collection, request.seed)
    sizes = draw.sizes(request.k)
    made = Study(draw.read(sizes[0], device), sizes[0])
    budget.log(
        f"{sizes[0]:,} of {len(draw.database):,} vectors, {made.sample.choosing:,} queries to choose by and "
        f"{len(made.sample.queries) - made.sample.choosing:,} to confirm on"
    )
    started = budget.spent
    neighbours = _neighbours(made, sizes[0], collection, request, budget)
    truth = budget.spent - started
    _small(made, collection, request, neighbours, budget)
    if not made.entries:
        raise UsageError(
            f"budget is {budget.seconds:g} s, and no code was measured in it; give more time, say --budget "
            f"{max(2, round(6 * budget.spent / 60) + 1)}m"
        )
    if made.sample.rows.shape[0] == len(draw.database):
        return made
    made.large = _affordable(truth, [entry.small.seconds for entry in made.entries], sizes, budget)
    if made.large is None:
        made.untried.append(f"any sample larger than {sizes[0]:,} vectors")
        return made
    made.sample = draw.grown(made.sample, made.large)
    _large(made, request, _neighbours(made, made.large, collection, request, budget), budget)
    return made


def _affordable(truth: float, seconds: Sequence[float], sizes: Sequence[int], budget: Budget) -> int | None:
    """The largest sample on which there is time for all, or else the second for half; None where there is not.

    All is taken as linear in the rows; what is not, the queries' own part, is counted too often and leaves some time.

    Args:
        truth: seconds for the neighbours in the smallest sample.
        seconds: for each candidate.
        sizes: of samples, ascending.
        budget: what is left of it.
    """
    left = budget.left(LARGE_UNTIL) * sizes[0]
    fitting = [size for size in sizes[1:] if size * (truth + sum(seconds)) <= left]
    if fitting:
        return fitting[-1]
    return sizes[1] if sizes[1] * (truth + sum(seconds) / 2) <= left else None


def _neighbours(made: Study, size: int, collection: Collection, request: Request, budget: Budget) -> Neighbours:
    budget.log(f"the exact {request.k} nearest among {size:,} vectors")
    return made.sample.neighbours(size, collection.distance, request.k, budget.log)


def _small(made: Study, collection: Collection, request: Request, neighbours: Neighbours, budget: Budget) -> None:
    wanted = candidates(made.sample.rows.shape[1])
    for number, candidate in enumerate(wanted, 1):
        if budget.left(SMALL_UNTIL) <= _expected_fit(candidate, made.entries):
            made.untried.append(f"{candidate} (no time)")
            continue
        try:
            fitted = fit(candidate, made.sample, collection.protocol, request.seed)
        except Incompatible as error:
            made.untried.append(f"{candidate} ({error})")
            continue
        except Exception as error:  # whatever a method raises; the others still answer
            made.untried.append(f"{candidate} (failed, {in_words(error)})")
            continue
        if not made.entries:  # compiled kernels are loaded outside of what is timed
            _warm_up(fitted, made, collection, request)
        measured = measure(fitted, made.sample, neighbours, made.small, request.most)
        made.entries.append(Entry(fitted, measured))
        _log(budget, f"{number} of {len(wanted)}", fitted, measured, request)


def _warm_up(fitted: Fitted, made: Study, collection: Collection, request: Request) -> None:
    rows = max(WARM_UP_ROWS, request.k)
    few = Sample(made.sample.queries[:2], 1, made.sample.training, made.sample.rows[:rows])
    size = len(few.rows)
    measure(fitted, few, few.neighbours(size, collection.distance, request.k, lambda _: None), size, request.most)


def _expected_fit(candidate: Candidate, entries: Sequence[Entry]) -> float:
    """Seconds: those of the same method before, with the square of the bits; 0 where it is the first."""
    return max(
        (
            each.fitted.seconds * (candidate.bits / each.fitted.candidate.bits) ** 2
            for each in entries
            if each.fitted.candidate.method == candidate.method
        ),
        default=0.0,
    )


def _large(made: Study, request: Request, neighbours: Neighbours, budget: Budget) -> None:
    assert made.large is not None
    order = _order(made.entries, request.share)
    for number, entry in enumerate(order, 1):
        expected = entry.small.seconds * made.large / made.small
        if number > 1 and expected > budget.left(LARGE_UNTIL):
            made.untried.append(f"{entry.fitted.candidate} on {made.large:,} vectors (no time)")
            continue
        entry.large = measure(entry.fitted, made.sample, neighbours, made.large, request.most)
        _log(budget, f"{number} of {len(order)}", entry.fitted, entry.large, request)


def _order(entries: Iterable[Entry], share: float) -> list[Entry]:
    """What is usual, then what may be the answer, the smallest first."""
    return sorted(
        entries,
        key=lambda each: (
            not each.fitted.candidate.usual,
            not each.promising(share),
            each.fitted.candidate.bits,
        ),
    )


def _log(budget: Budget, count: str, fitted: Fitted, measured: Measurement, request: Request) -> None:
    at = min(10, request.most)
    kept = " and ".join(f"{curves.mean(0)[at - 1]:.3f} {ranking}" for ranking, curves in measured.shares.items())
    budget.log(f"{count}: {fitted.candidate}: {kept} of the {request.k} nearest at m = {at}")
