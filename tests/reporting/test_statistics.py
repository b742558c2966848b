"""Paired bootstrap and Holm's correction against scipy and against what is known."""

import numpy as np
import pytest
from scipy import stats

from hashbench.reporting.statistics import Paired, holm, paired_bootstraps


def scores(seed: int, queries: int = 400, better: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Skewed values of two methods that agree on which queries are hard."""
    generator = np.random.default_rng(seed)
    hard = generator.beta(0.5, 1.0, queries)
    noisy = [np.clip(hard + generator.normal(0, 0.1, queries), 0, 1) for _ in range(2)]
    return noisy[0] + better, noisy[1]


def compared(first: np.ndarray, second: np.ndarray, seed: int = 0) -> Paired:
    (paired,) = paired_bootstraps([(first, second)], seed)
    return paired


@pytest.mark.parametrize("better", [0.0, 0.005, 0.012])
def test_interval_and_p_are_those_of_scipy(better: float) -> None:
    first, second = scores(1, better=better)
    paired = compared(first, second)
    theirs = stats.bootstrap(
        (first - second,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)
    )
    assert (paired.low, paired.high) == pytest.approx(tuple(theirs.confidence_interval), abs=4e-4)
    assert paired.p == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.02)
    assert paired.difference == pytest.approx(np.mean(first) - np.mean(second))
    assert paired.effect == pytest.approx((first - second).mean() / (first - second).std(ddof=1))
    assert paired.queries == 400


def test_methods_that_are_the_same_differ_by_chance_as_often_as_p_says() -> None:
    p = [paired.p for paired in paired_bootstraps(scores(seed, 300) for seed in range(300))]
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09
    assert np.mean(p) == pytest.approx(0.5, abs=0.05)


def test_it_tells_the_direction_and_is_exact_about_no_difference() -> None:
    first, second = scores(2, better=0.05)
    forth, back = compared(first, second), compared(second, first)
    assert (forth.difference > 0, forth.p) == (True, 1 / 10_001)
    assert (back.difference, back.low, back.p) == pytest.approx((-forth.difference, -forth.high, forth.p), abs=2e-3)
    same = compared(first, first)
    assert (same.difference, same.low, same.high, same.p, same.effect) == (0, 0, 0, 1, 0)


def test_queries_without_a_relevant_item_are_left_out() -> None:
    first, second = scores(3, queries=50)
    first[[3, 7]], second[9] = np.nan, np.nan
    kept = np.delete(np.arange(50), [3, 7, 9])
    assert compared(first, second) == compared(first[kept], second[kept])
    with pytest.raises(ValueError, match="no query is answered by both"):
        compared(np.array([np.nan, 1.0]), np.array([1.0, np.nan]))


def test_the_same_seed_gives_the_same_result_alone_and_among_others() -> None:
    pairs = [scores(seed, queries) for seed, queries in ((1, 50), (2, 30), (3, 50))]
    together = paired_bootstraps(pairs, seed=4)
    for paired, (first, second) in zip(together, pairs, strict=True):
        alone = compared(first, second, seed=4)
        assert (alone.low, alone.high, alone.p) == pytest.approx((paired.low, paired.high, paired.p), abs=1e-12)
    assert compared(*pairs[0], seed=4) == compared(*pairs[0], seed=4)
    assert compared(*pairs[0], seed=4) != compared(*pairs[0], seed=5)


@pytest.mark.parametrize("queries", [1, 5, 19])
def test_a_handful_of_queries_is_no_evidence(queries: int) -> None:
    first, second = scores(6, queries, better=0.5)
    assert compared(first, second).p == 1
    assert compared(*scores(6, 20, better=0.5)).p < 0.001


def test_other_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="3 queries beside 2, wanted the same ones"):
        compared(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # worked by hand
        ([0.2], [0.2]),
        ([0.6, 0.9, 0.7], [1.0, 1.0, 1.0]),
        ([], []),
    ],
)
def test_holm(given: list[float], adjusted: list[float]) -> None:
    assert holm(given) == pytest.approx(adjusted)
