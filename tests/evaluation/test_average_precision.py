"""Average precision with ties, against every order of the ties written out."""

from fractions import Fraction
from typing import get_args

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from hashbench.evaluation.average_precision import ORDERS, Denominator, average_precision, harmonic_difference
from hashbench.evaluation.ranking import Ranking
from tests.evaluation import reference
from tests.evaluation.reference import Group

DENOMINATORS: tuple[Denominator, ...] = get_args(Denominator)

group = st.integers(0, 4).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
some_groups = st.lists(group, min_size=1, max_size=4).filter(lambda groups: sum(r for _, r in groups) > 0)
some_rank = st.one_of(st.none(), st.integers(1, 20))


def ranking_of(*queries: list[Group]) -> Ranking:
    """Queries with fewer groups end in empty ones."""
    groups = max(len(query) for query in queries)
    table = np.array([[*query, *[(0, 0)] * (groups - len(query))] for query in queries], dtype=np.int64)
    return Ranking(table[:, :, 0], table[:, :, 1])


@given(groups=some_groups, k=some_rank, denominator=st.sampled_from(DENOMINATORS))
def test_expectation_and_bounds_are_those_of_all_orders(
    groups: list[Group], k: int | None, denominator: Denominator
) -> None:
    wanted = reference.over_all_orders(groups, k, denominator)
    got = {order: average_precision(ranking_of(groups), k, denominator, order)[0] for order in ORDERS}
    assert got == pytest.approx(wanted, abs=1e-12)


@given(queries=st.lists(st.lists(group, min_size=1, max_size=4), min_size=1, max_size=5), k=some_rank)
def test_a_query_does_not_depend_on_the_others(queries: list[list[Group]], k: int | None) -> None:
    queries = [[*query, (1, 0)] for query in queries]
    together = average_precision(ranking_of(*queries), k)
    alone = [average_precision(ranking_of(query), k)[0] for query in queries]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@given(seed=st.integers(0, 1 << 16), k=st.integers(1, 1200))
def test_worst_expected_best_stand_in_this_order(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    items = rng.integers(0, 60, (3, 20)) + 1
    ranking = Ranking(items, rng.binomial(items, 0.2))
    for denominator in DENOMINATORS:
        worst, expected, best = (average_precision(ranking, k, denominator, o) for o in ("worst", "expected", "best"))
        answerable = ranking.total_relevant > 0
        assert (worst <= expected + 1e-12)[answerable].all()
        assert (expected <= best + 1e-12)[answerable].all()


def test_relevant_items_first_are_no_upper_bound() -> None:
    ranking = ranking_of([(1, 1), (9, 0), (2, 1)])
    values = [average_precision(ranking, 11, "hits", order)[0] for order in ("worst", "expected", "best")]
    assert values == pytest.approx([0.59090909, 0.79545455, 1.0], abs=1e-8)


def test_three_denominators_are_three_quantities() -> None:
    """Of the literature: hits within k, min(k, R), R. Ranks 1 and 3 of four are relevant, k = 2."""
    ranking = ranking_of([(1, 1), (1, 0), (1, 1), (1, 0)])
    assert [average_precision(ranking, 2, d)[0] for d in DENOMINATORS] == [1.0, 0.5, 0.5]
    ranking = ranking_of([(1, 1), (1, 0), (1, 1), (1, 1)])
    assert [average_precision(ranking, 2, d)[0] for d in DENOMINATORS] == pytest.approx([1, 1 / 2, 1 / 3])


def test_map_all_counts_the_last_item() -> None:
    """Trap: top_k = -1 as the end of a slice drops the last item."""
    ranking = ranking_of([(1, 0), (1, 0), (1, 1)])
    assert average_precision(ranking, None)[0] == pytest.approx(1 / 3)


def test_a_query_without_hits_within_k_gets_zero() -> None:
    assert average_precision(ranking_of([(3, 0), (2, 2)]), 3)[0] == 0


def test_a_query_without_a_relevant_item_is_nan() -> None:
    assert np.isnan(average_precision(ranking_of([(3, 0), (2, 0)], [(1, 1)]), 3)).tolist() == [True, False]


def test_k_beyond_the_database_is_the_whole_database() -> None:
    ranking = ranking_of([(4, 1), (3, 2)])
    for denominator in DENOMINATORS:
        assert average_precision(ranking, 1000, denominator) == average_precision(ranking, None, denominator)


def test_k_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="k is 0, wanted 1 or more"):
        average_precision(ranking_of([(1, 1)]), 0)


def test_chance_of_one_class_in_ten_at_1000_is_above_a_tenth() -> None:
    """When all of 59,000 items tie, AP@1000 is .106: neither .1 nor the ratio of expectations, .107."""
    value = average_precision(ranking_of([(59_000, 5_900)]), 1000)[0]
    assert value == pytest.approx(0.106, abs=5e-4)
    assert value == pytest.approx(reference.tied_average_precision(59_000, 5_900, 1000), rel=1e-11)


@pytest.mark.parametrize(("n", "r"), [(59_000, 59_000), (59_000, 1), (1000, 999), (1_000_000, 3)])
def test_large_cut_groups_keep_their_digits(n: int, r: int) -> None:
    value = average_precision(ranking_of([(n, r)]), 1000)[0]
    assert value == pytest.approx(reference.tied_average_precision(n, r, 1000), rel=1e-10)


def test_many_ties_match_simulation() -> None:
    rng = np.random.default_rng(7)
    groups = [(5, 2), (40, 9), (120, 30), (135, 12)]
    ap = []
    for _ in range(4000):
        parts = [rng.permutation(np.arange(n) < r) for n, r in groups]
        flags = np.concatenate(parts)[:100]
        hits = flags.cumsum()
        ap.append((flags * hits / np.arange(1, 101)).sum() / hits[-1])
    ranking = ranking_of(groups)
    assert average_precision(ranking, 100)[0] == pytest.approx(np.mean(ap), abs=5 * scipy.stats.sem(ap))
    assert average_precision(ranking, 100, order="worst")[0] <= min(ap)
    assert average_precision(ranking, 100, order="best")[0] >= max(ap)


def test_min_and_total_follow_from_linearity_as_well() -> None:
    """With a fixed denominator the expectation needs no hypergeometric sum: the cut group adds its first positions."""
    n, r, k = 5000, 700, 1000
    terms = [(r / n) * (1 + (j - 1) * (r - 1) / (n - 1)) / j for j in range(1, k + 1)]
    ranking = ranking_of([(n, r)])
    assert average_precision(ranking, k, "min")[0] == pytest.approx(sum(terms) / 700, rel=1e-12)
    assert average_precision(ranking, k, "total")[0] == pytest.approx(sum(terms) / 700, rel=1e-12)


@pytest.mark.parametrize(
    ("start", "count"), [(0, 1), (0, 255), (0, 300), (255, 1), (255, 2), (256, 1), (900, 7), (10**6, 3), (58_999, 0)]
)
def test_harmonic_differences_are_exact_to_the_last_digits(start: int, count: int) -> None:
    wanted = float(sum((Fraction(1, i) for i in range(start + 1, start + count + 1)), Fraction(0)))
    assert harmonic_difference(start, count) == pytest.approx(wanted, rel=2e-14, abs=0)
