"""The decision about codes, against plain rules."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from hashbench.advice.choice import CONFIRMED, Measured, Target, Z, choose, interval, needed_multiple
from hashbench.advice.growth import growth, multiple

TARGET = Target(share=0.95, k=10, most=20, fixed=False)


def shares(means: list[float] | float, queries: int = 400, seed: int = 0, k: int = 10) -> np.ndarray:
    """Float64 [queries, most]: how many of k neighbours each query keeps, with these means."""
    wanted = np.broadcast_to(means, TARGET.most)
    return np.random.default_rng(seed).binomial(k, wanted, (queries, TARGET.most)) / k


def code(size: int, m: int, kind: str = "hamming", confirmed_from: int | None = None, growth: float = 1.0) -> Measured:
    """A code that keeps .99 from m on, .5 before; of the confirming queries from another m on."""
    steps = [[0.99 if at >= first else 0.5 for at in range(1, TARGET.most + 1)] for first in (m, confirmed_from or m)]
    return Measured(size, kind, shares(steps[0], seed=size), shares(steps[1], seed=size + 1000), growth)


def test_interval_is_wilsons_for_one_neighbour_and_has_a_width_where_nothing_varies() -> None:
    values = np.repeat([1.0, 0.0], [90, 10])
    p, n = 0.9, (100 - 1)  # the variance is estimated by n - 1
    centre, half = (p + Z**2 / 2 / n) / (1 + Z**2 / n), Z * sqrt(p * (1 - p) / n + Z**2 / 4 / n**2) / (1 + Z**2 / n)
    found = interval(values, 1)
    assert (found.value, found.low, found.high) == pytest.approx((p, centre - half, centre + half), abs=1e-12)
    same = interval(np.ones(50), 10)
    assert same.high == 1.0
    assert 0.98 < same.low < 1.0
    assert interval(np.ones(1), 10).low < same.low


def test_interval_holds_the_true_share_of_neighbours_that_depend_on_their_query() -> None:
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(400):
        ease = rng.beta(9.5, 0.5, 200)  # of each query; mean .95
        found = interval(rng.binomial(10, ease) / 10, 10, 1.96)
        missed += not found.low <= 0.95 <= found.high
    assert missed / 400 < 0.1


def test_needed_multiple_leaves_room_for_chance() -> None:
    rising = shares([0.5] * 5 + [0.953] * 5 + [0.99] * 10)
    assert rising.mean(0)[5] >= 0.95
    assert needed_multiple(rising, TARGET) == 11
    assert needed_multiple(shares(0.9), TARGET) is None


def test_smallest_pairs_are_those_that_no_other_beats() -> None:
    rng = np.random.default_rng(1)
    for trial in range(20):
        drawn = [(int(size), int(m)) for size, m in zip(rng.integers(1, 9, 6), rng.integers(1, 9, 6), strict=True)]
        codes = [replace(code(size, m), size=size) for size, m in drawn]
        choice = choose(codes, TARGET)
        needed = [m or 0 for m in choice.needed]
        assert needed == [m for _, m in drawn]
        front = {(s, m) for s, m in drawn if not any(a <= s and b <= m and (a, b) != (s, m) for a, b in drawn)}
        chosen = {drawn[n] for n in choice.chosen}
        assert choice.reached
        assert min(front) in chosen
        assert max(front) in chosen
        assert drawn[choice.verdict] == min(front), trial
        assert len(chosen) >= 2
        assert chosen <= front or len(front) == 1


def test_both_ends_of_each_kind_are_chosen() -> None:
    codes = [code(size, 12 - size, kind) for kind in ("hamming", "asymmetric") for size in (2, 4, 6, 8, 10)]
    choice = choose(codes, TARGET)
    assert {0, 4, 5, 9} < set(choice.chosen)
    assert len(choice.chosen) == CONFIRMED
    assert choice.runner_up is not None


def test_what_the_choosing_queries_promise_and_the_others_do_not_keep_is_not_reached() -> None:
    choice = choose([code(4, 3, confirmed_from=15), code(8, 2, confirmed_from=9)], TARGET)
    assert not choice.reached
    assert choice.runner_up is None
    assert all(found.low < 0.95 for found in choice.confirmed)


def test_the_smallest_code_that_is_confirmed_is_the_verdict() -> None:
    choice = choose([code(4, 3, confirmed_from=15), code(8, 2), code(16, 1)], TARGET)
    assert (choice.reached, choice.verdict, choice.runner_up) == (True, 1, 2)


def test_fixed_m_takes_the_smallest_code_and_confirms_it_there() -> None:
    codes = [code(4, 12), code(8, 5), code(16, 2)]
    choice = choose(codes, Target(0.95, 10, 20, True))
    assert (choice.verdict, choice.runner_up) == (0, 1)
    assert choice.m == (20, 20, 20)
    few = Target(0.95, 10, 6, True)
    cut = [replace(each, choosing=each.choosing[:, :6], confirming=each.confirming[:, :6]) for each in codes]
    assert choose(cut, few).verdict == 1


def test_a_code_that_needs_too_many_candidates_in_the_whole_collection_is_no_answer() -> None:
    assert choose([code(4, 8, growth=3), code(8, 5, growth=3)], TARGET).verdict == 1
    only = choose([code(4, 8, growth=3)], TARGET)
    assert not only.reached
    assert only.confirmed[0].low >= 0.95


def test_few_queries_that_find_all_leave_no_room_but_are_confirmed() -> None:
    few = Measured(4, "hamming", np.ones((25, TARGET.most)), np.ones((25, TARGET.most)))
    assert needed_multiple(few.choosing, TARGET) is None
    choice = choose([few], TARGET)
    assert (choice.reached, choice.needed, choice.m) == (True, (1,), (1,))
    fewer = Measured(4, "hamming", np.ones((10, TARGET.most)), np.ones((25, TARGET.most)))
    choice = choose([fewer], TARGET)
    assert (choice.reached, choice.needed, choice.m) == (True, (None,), (TARGET.most,))


def test_where_no_code_keeps_enough_the_best_is_named_with_its_interval() -> None:
    codes = [Measured(size, "hamming", shares(mean), shares(mean, seed=5)) for size, mean in ((4, 0.6), (8, 0.8))]
    choice = choose(codes, TARGET)
    assert (choice.reached, choice.verdict, choice.chosen, choice.needed) == (False, 1, (1,), (None, None))
    assert choice.confirmed[0].low < 0.8 < choice.confirmed[0].high


def test_m_is_extrapolated_as_a_power_of_the_number_of_vectors() -> None:
    m = np.arange(1, 101)

    def curve(n: int) -> np.ndarray:
        needed = np.sqrt(n) / 10  # at which .95 is kept
        return np.broadcast_to(np.clip(0.95 * (m / needed) ** 0.2, 0, 1), (50, 100))

    found = growth(curve(10_000), curve(40_000), 0.95, (10_000, 40_000), 160_000, 0)
    assert found.value == pytest.approx(2, rel=1e-3)
    assert found.low == pytest.approx(found.high)
    assert growth(curve(10_000), curve(10_000), 0.95, (10_000, 40_000), 160_000, 0).value == 1
    falls = growth(curve(40_000), curve(10_000), 0.95, (10_000, 40_000), 160_000, 0)
    assert (falls.value, falls.low, falls.high) == (4, 1, 4)
    assert multiple(np.array([0.5, 0.9, 1.0]), 0.95) == pytest.approx(2.5)
    assert multiple(np.array([0.96, 1.0]), 0.95) == 1
    assert multiple(np.array([0.5, 0.6]), 0.95) == 2
