"""How many of the nearest a ranking keeps: against every order of its ties, written out."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.evaluation.neighbours import Neighbours, Places, kept


def by_hand(distances: list[int], codes: list[int], k: int, rank: int) -> float:
    """Mean over all orders of the code's ties of: nearer ones found, and tied ones as far as there are places."""
    kth = sorted(distances)[k - 1]
    scores = []
    for order in itertools.permutations(range(len(codes))):
        if all(codes[a] <= codes[b] for a, b in itertools.pairwise(order)):
            found = [distances[item] for item in order[:rank]]
            nearer = sum(distance < kth for distance in found)
            places = k - sum(distance < kth for distance in distances)
            scores.append((nearer + min(sum(distance == kth for distance in found), places)) / k)
    return sum(scores) / len(scores)


def neighbours_of(distances: npt.NDArray[np.int64], k: int) -> Neighbours:
    """Of one query."""
    order = np.argsort(distances, kind="stable")
    order = order[distances[order] <= np.sort(distances)[k - 1]]
    return Neighbours(k, "l2", np.array([0, len(order)]), order, distances[order].astype(np.float32))


def places_of(codes: npt.NDArray[np.int64], found: Neighbours) -> Places:
    own = codes[found.rows]
    return Places(*(np.array([int(test(codes, one).sum()) for one in own]) for test in (np.less, np.equal)))


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(*(st.lists(st.integers(0, 3), min_size=n, max_size=n),) * 2)))
@settings(max_examples=60)
def test_it_is_the_mean_over_all_orders_of_the_ties(drawn: tuple[list[int], list[int]]) -> None:
    distances, codes = drawn
    ranks = np.arange(1, len(codes) + 2)
    for k in range(1, len(codes) + 1):
        found = neighbours_of(np.array(distances), len(codes))
        shares = kept(found, places_of(np.array(codes), found), k, ranks)
        assert shares[0] == pytest.approx([by_hand(distances, codes, k, int(rank)) for rank in ranks])


def test_a_float_search_keeps_all_where_every_vector_stands_twice() -> None:
    rows = np.random.default_rng(0).standard_normal((80, 6)).astype(np.float32)
    found = nearest_neighbours(rows[:30] + 0.01, np.concatenate([rows, rows]), "l2", 25)
    for k in (1, 10, 25):
        assert (kept(found, found.places(), k, np.array([k])) == 1).all()
    assert (found.bounds(25)[1] == 26).all()


def test_parts_are_those_of_their_queries() -> None:
    rows = np.random.default_rng(1).integers(0, 3, (60, 3)).astype(np.float32)
    found = nearest_neighbours(rows[:9], rows, "l2", 5)
    whole = kept(found, found.places(), 4, np.array([2, 4, 8]))
    parts = [found.part(slice(start, start + 3)) for start in (0, 3, 6)]
    assert np.array_equal(np.concatenate([kept(part, part.places(), 4, np.array([2, 4, 8])) for part in parts]), whole)


@pytest.mark.parametrize("k", [0, 6])
def test_a_k_that_was_not_searched_for_is_refused(k: int) -> None:
    rows = np.eye(6, dtype=np.float32)
    with pytest.raises(ValueError, match=f"k is {k}, wanted 1 to 5"):
        nearest_neighbours(rows, rows, "l2", 5).bounds(k)
