"""All methods of a table compared with one another at once, so that chance tells any apart in 5 % of tables.

Queries are resampled, the same ones for every method, and repetitions where a cell has three or more. A pair is told
apart where its difference, in standard errors, is larger than the largest of all pairs in 95 % of the resamples: the
studentized range by bootstrap (Tukey; Hsu, Multiple Comparisons, 1996, chapters 4 and 5), stepped down as by Romano and
Wolf, Stepwise multiple testing as formalized data snooping (2005), section 4. The observed best is one of the methods
that the maximum is over, so that picking it costs nothing more.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hashbench.reporting.statistics import (
    CONFIDENCE,
    MIN_QUERIES,
    RESAMPLES,
    SIGNIFICANCE,
    FloatArray,
    Paired,
    resampled_means,
    rounded_to_exact,
)
from hashbench.reporting.step_down import IntArray, Pairs, step_down

MIN_REPETITIONS = 3  # of a cell, below which they say nothing of its spread
_EXACT_BITS = 53  # of a float64's sums of whole numbers

IndexPairs = tuple[IntArray, IntArray]


class _Items(NamedTuple):
    """Means [items]; deviations of differences over queries and standard errors [items, items].

    ``strays`` [items, resamples] is how far resampled means are from the observed ones.
    """

    means: FloatArray
    deviations: FloatArray
    errors: FloatArray
    strays: FloatArray


@dataclass(frozen=True, eq=False)
class Comparisons:
    """The items of one group, each with each.

    Attributes:
        p: [items, items], adjusted for all pairs of all groups; 1 on the diagonal, and 1 throughout below 20 queries.
        smallest: the smallest difference that could have been told apart, for the median pair; None below 20 queries
            and for a single item.
        queries: how many.
    """

    p: FloatArray
    smallest: float | None
    queries: int
    _items: "_Items"

    def apart(self, first: int, second: int) -> bool:
        """Whether two items can be told apart."""
        return bool(self.p[first, second] < SIGNIFICANCE)

    def paired(self, first: int, second: int) -> Paired:
        """The first item less the second; the interval is of this pair alone."""
        items = self._items
        difference = float(items.means[first] - items.means[second])
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(items.strays[first] - items.strays[second], [tail, 1 - tail]) + difference
        deviation = float(items.deviations[first, second])
        effect = difference / deviation if deviation else 0.0
        return Paired(difference, float(low), float(high), float(self.p[first, second]), effect, self.queries)


def compare_groups(
    cells: Sequence[FloatArray], groups: Sequence[Sequence[Sequence[int]]], seed: int = 0, resamples: int = RESAMPLES
) -> list[Comparisons]:
    """Compare the items of each group with one another; all groups share the resamples and the error rate.

    Args:
        cells: of each the values [repetitions, queries], the same queries in all; NaN marks no value.
        groups: lists of items, which may be empty; an item is the mean of the cells with these indices.
        seed: of the resampling.
        resamples: how many.

    Raises:
        ValueError: cells differ in their queries' number, or no query has a value in all of them.
    """
    averages, strays, variances = _draws(cells, seed, resamples)
    made = [_items(items, averages, strays, variances) for items in groups]
    pairs = [np.triu_indices(len(items), 1) for items in groups]
    sizes = [len(first) for first, _ in pairs]
    enough = len(averages) >= MIN_QUERIES and sum(sizes) > 0
    p, critical = _step_down(made, pairs) if enough else (np.ones(sum(sizes)), np.nan)
    p_by_group = np.split(p, np.cumsum(sizes)[:-1])
    return [
        Comparisons(
            _symmetric(own, len(items.means), pair),
            float(critical * np.median(items.errors[pair])) if enough and len(own) else None,
            len(averages),
            items,
        )
        for items, own, pair in zip(made, p_by_group, pairs, strict=True)
    ]


def _draws(cells: Sequence[FloatArray], seed: int, resamples: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Averages over repetitions [queries, cells], strays of means [cells, resamples], variances of spreads [cells]."""
    if len({cell.shape[1] for cell in cells}) > 1:
        raise ValueError(f"{sorted({cell.shape[1] for cell in cells})} queries, wanted the same ones in all cells")
    answered = np.all([np.isfinite(cell).all(axis=0) for cell in cells], axis=0)
    if not answered.any():
        raise ValueError("no query is answered by all methods")
    cells = [cell[:, answered] for cell in cells]
    averages = np.stack([rounded_to_exact(cell.mean(axis=0)) for cell in cells], axis=1)
    repeated, variances = _resampled_repetitions(cells, seed, resamples)
    strays = resampled_means(averages, seed, resamples)
    strays -= (averages.sum(axis=0) / len(averages))[:, None]
    strays += repeated
    return averages, strays, variances


def _resampled_repetitions(cells: Sequence[FloatArray], seed: int, resamples: int) -> tuple[FloatArray, FloatArray]:
    """What drawing repetitions anew adds to each cell's mean [cells, resamples], and its variance [cells].

    Three repetitions know little of a cell's spread. So their deviations from the cell's mean are drawn from those of
    all cells together; the spread is that of all cells or the cell's own, whichever is larger; and each resample draws
    how wrong it is (chi-squared, with as many degrees of freedom as cells have repetitions beyond the first). What
    their means differ by since each has noise per query is left out: the resampled queries have it already.
    Cells with fewer repetitions, or with equal ones, have no spread.
    """
    repeated, variances = np.zeros((len(cells), resamples)), np.zeros(len(cells))
    spreads = {index: _spread(cell) for index, cell in enumerate(cells) if len(cell) >= MIN_REPETITIONS}
    spreads = {index: (deviations, noise) for index, (deviations, noise) in spreads.items() if deviations.any()}
    if not spreads:
        return repeated, variances
    freedom = sum(len(deviations) - 1 for deviations, _ in spreads.values())
    own = {index: math.fsum(deviations**2) / (len(deviations) - 1) for index, (deviations, _) in spreads.items()}
    pooled, pooled_noise = (
        math.fsum(values[index] * (len(spreads[index][0]) - 1) for index in spreads) / freedom
        for values in (own, {index: noise for index, (_, noise) in spreads.items()})
    )
    pool = np.concatenate([each * math.sqrt(len(each) / (len(each) - 1)) for each, _ in spreads.values()])
    pool /= math.sqrt(math.fsum(pool**2) / len(pool))
    generator = np.random.default_rng([seed, 1])
    errors = np.sqrt(freedom / generator.chisquare(freedom, resamples))
    for index, (deviations, noise) in spreads.items():
        count = len(deviations)
        variances[index] = max(pooled - pooled_noise, own[index] - noise, 0.0) / count
        drawn = pool[generator.integers(len(pool), size=(count, resamples))].sum(axis=0) / math.sqrt(count)
        repeated[index] = drawn * math.sqrt(variances[index]) * errors
    return repeated, variances


def _spread(cell: FloatArray) -> tuple[FloatArray, float]:
    """Deviations of the repetitions' means, and the part of their variance that is noise per query."""
    cell = rounded_to_exact(cell)
    repetitions, queries = cell.shape
    means, of_queries = cell.sum(axis=1) / queries, cell.sum(axis=0) / repetitions
    mean = cell.sum() / cell.size
    noise = ((cell - means[:, None]) - (of_queries - mean)).ravel()
    freedom = (repetitions - 1) * max(queries - 1, 1)
    return means - mean, math.fsum((noise**2).tolist()) / freedom / queries


def _items(items: Sequence[Sequence[int]], averages: FloatArray, strays: FloatArray, variances: FloatArray) -> _Items:
    """Items, none or more, made of the cells of which they are the means."""
    of_items = np.array([_mean(averages.T, cells) for cells in items]).reshape(len(items), len(averages))
    values = np.ascontiguousarray(of_items.T)  # whose columns are added in one order
    queries = len(values)
    deviations = np.sqrt(_variances_of_differences(values))
    own = np.array([math.fsum(variances[list(cells)]) / len(cells) ** 2 for cells in items])
    errors = np.sqrt(deviations**2 / queries + own[:, None] + own[None, :])
    means = values.sum(axis=0) / queries
    of_groups = np.empty((len(items), strays.shape[1]))
    for index, cells in enumerate(items):
        of_groups[index] = _mean(strays, cells)
    return _Items(means, deviations, errors, of_groups)


def _mean(rows: FloatArray, cells: Sequence[int]) -> FloatArray:
    """The mean of the rows of these cells, added one after the other."""
    total: FloatArray = functools.reduce(np.add, [rows[cell] for cell in cells])
    return total / len(cells)


def _variances_of_differences(values: FloatArray) -> FloatArray:
    """Of each pair of columns [queries, items]; from whole numbers so small that sums of their products are exact."""
    queries = len(values)
    if queries < 2:
        return np.zeros((values.shape[1],) * 2)
    room = 4 * queries * max(1.0, float(np.abs(values).max(initial=0.0))) ** 2
    scale = 2.0 ** ((_EXACT_BITS - math.ceil(math.log2(room))) // 2)
    whole = np.round(values * scale)
    products, sums = whole.T @ whole, whole.sum(axis=0)
    squares = np.diag(products)[:, None] + np.diag(products)[None, :] - 2 * products
    variances: FloatArray = (squares - (sums[:, None] - sums[None, :]) ** 2 / queries) / (queries - 1)
    return np.maximum(variances, 0.0) / scale**2


def _step_down(groups: Sequence[_Items], pairs: Sequence[IndexPairs]) -> tuple[FloatArray, float]:
    """Adjusted p of each pair, and how many standard errors one has to be apart that is not yet told apart."""
    starts = np.cumsum([0, *(len(items.means) for items in groups)])
    first, second = (
        np.concatenate([start + pair[side] for start, pair in zip(starts, pairs, strict=False)]) for side in (0, 1)
    )
    apart = [items.means[i] - items.means[j] for items, (i, j) in zip(groups, pairs, strict=True)]
    errors = [items.errors[pair] for items, pair in zip(groups, pairs, strict=True)]
    centres = [np.abs(items.strays - items.strays.mean(axis=0)).max(axis=1) for items in groups if len(items.means)]
    return step_down(
        Pairs(first, second, np.concatenate(apart), np.concatenate(errors)),
        np.concatenate([items.strays for items in groups]),
        np.concatenate(centres),
    )


def _symmetric(p: FloatArray, items: int, pair: IndexPairs) -> FloatArray:
    full = np.ones((items, items))
    full[pair] = p
    return np.minimum(full, full.T)
