"""Whether two methods differ on the same queries: paired bootstrap, effect size, Holm's correction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
MIN_QUERIES = 20  # queries, below which a bootstrap calls too much certain
_RESAMPLE_CHUNK = 1_000  # resamples counted at a time
_EXACT_SCALE = 2.0**26  # of multiples of 1 / 2^26 every sum is exact, in whatever order a machine adds

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """The first method less the second, over the queries for which both have a value.

    Attributes:
        difference: mean difference.
        low, high: 95 % interval of the mean difference, percentiles of the bootstrap.
        p: two-sided: how often resampled means stray as far from theirs as that is from zero; 1 / 10,001 at least,
            and 1, no evidence, below 20 queries.
        effect: Cohen's d of paired values: mean difference / standard deviation of the differences.
        queries: how many.
    """

    difference: float
    low: float
    high: float
    p: float
    effect: float
    queries: int


def paired_bootstraps(pairs: Iterable[tuple[FloatArray, FloatArray]], seed: int = 0) -> list[Paired]:
    """Compare per-query values [q] of two methods for each pair, queries in the same order; NaN marks no value.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 13.3 and 16.4: queries are drawn with
    replacement, 10,000 times, both methods on the same draw. Pairs of equally many queries share their draws.

    Raises:
        ValueError: the lengths differ, or no query is answered by both.
    """
    differences = [_differences(first, second) for first, second in pairs]
    compared_by_pair: dict[int, Paired] = {}
    for queries in sorted({len(values) for values in differences}):
        indices = [index for index, values in enumerate(differences) if len(values) == queries]
        compared = _compare(np.stack([differences[index] for index in indices], axis=1), seed)
        compared_by_pair |= dict(zip(indices, compared, strict=True))
    return [compared_by_pair[index] for index in range(len(differences))]


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for their number, in the given order.

    Holm, A simple sequentially rejective multiple test procedure (1979).
    """
    count = len(p_values)
    adjusted, highest = [0.0] * count, 0.0
    for step, index in enumerate(sorted(range(count), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (count - step) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _differences(first: FloatArray, second: FloatArray) -> FloatArray:
    if first.shape != second.shape:
        raise ValueError(f"{first.size} queries beside {second.size}, wanted the same ones")
    differences = first - second
    differences = differences[np.isfinite(differences)]
    if not differences.size:
        raise ValueError("no query is answered by both methods")
    return differences


def _compare(differences: FloatArray, seed: int) -> list[Paired]:
    """Of [queries, pairs]."""
    queries = len(differences)
    differences = rounded_to_exact(differences)
    means = differences.sum(axis=0) / queries
    deviations = differences.std(axis=0, ddof=1) if queries > 1 else np.zeros_like(means)
    strays = resampled_means(differences, seed, RESAMPLES) - means[:, None]
    tail = (1 - CONFIDENCE) / 2
    lows, highs = np.quantile(strays, [tail, 1 - tail], axis=1) + means
    beyond = (np.abs(strays) >= np.abs(means)[:, None] - 1e-15).sum(axis=1)
    return [
        Paired(
            difference=float(means[pair]),
            low=float(lows[pair]),
            high=float(highs[pair]),
            p=float((1 + beyond[pair]) / (1 + RESAMPLES)) if queries >= MIN_QUERIES else 1.0,
            effect=float(means[pair] / deviations[pair]) if deviations[pair] else 0.0,
            queries=queries,
        )
        for pair in range(len(means))
    ]


def rounded_to_exact(values: FloatArray) -> FloatArray:
    """Multiples of 1 / 2^26, whose sums are exact and so the same on every machine."""
    return np.round(values * _EXACT_SCALE) / _EXACT_SCALE


def resampled_means(values: FloatArray, seed: int, resamples: int = RESAMPLES) -> FloatArray:
    """Means [columns, resamples] of queries drawn with replacement, of exact values [queries, columns]."""
    queries = len(values)
    drawn = _times_drawn(queries, seed, resamples)
    means = np.empty((values.shape[1], resamples))
    counts = np.empty((min(resamples, _RESAMPLE_CHUNK), queries))  # written again and again: new memory costs as much
    sums = np.empty((len(counts), values.shape[1]))
    for start in range(0, resamples, _RESAMPLE_CHUNK):
        size = min(_RESAMPLE_CHUNK, resamples - start)
        np.copyto(counts[:size], drawn[start : start + size])
        np.matmul(counts[:size], values, out=sums[:size])
        np.divide(sums[:size].T, queries, out=means[:, start : start + size])
    return means


@lru_cache(maxsize=1)  # the tables of a folder have the same queries, or as many
def _times_drawn(queries: int, seed: int, resamples: int) -> npt.NDArray[np.unsignedinteger]:
    """How often each resample has each query, [resamples, queries], in the smallest type that holds it."""
    generator = np.random.default_rng(seed)
    parts = []
    for start in range(0, resamples, _RESAMPLE_CHUNK):
        count = min(_RESAMPLE_CHUNK, resamples - start)
        drawn = generator.integers(queries, size=(count, queries), dtype=np.int32)
        drawn += np.arange(count, dtype=np.int32)[:, None] * queries
        times = np.bincount(drawn.ravel(), minlength=count * queries).reshape(count, queries)
        parts.append(times.astype(np.min_scalar_type(times.max())))
    return np.concatenate(parts)
