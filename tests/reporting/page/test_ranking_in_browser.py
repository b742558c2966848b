"""The groups of rows that the page's brackets join, against a plain enumeration."""

from collections.abc import Iterator
from importlib.resources import files
from itertools import combinations
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

GROUPS = """([rows, pairs]) => {
  const tied = new Set(pairs.map(String));
  const alike = alikeRows(rows, (one, other) => tied.has([one, other].sort((a, b) => a - b).join(',')));
  const get = alike.get.bind(alike);
  let left = 1e6;
  alike.get = (row) => {
    if (left-- === 0) throw new Error('rows were looked up a million times');
    return get(row);
  };
  return groupsAlike(alike);
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    opened.add_script_tag(content=files("hashbench.reporting.page").joinpath("ranking.js").read_text(encoding="utf-8"))
    yield opened
    opened.close()


def groups(page: Any, rows: list[int], pairs: list[tuple[int, int]]) -> list[list[int]]:
    """The groups of rows in their order, where these pairs, lower number first, cannot be told apart."""
    found: list[list[int]] = page.evaluate(GROUPS, [rows, pairs])
    return found


def enumerated(rows: list[int], pairs: list[tuple[int, int]]) -> list[list[int]]:
    """All sets of two or more rows that are tied in pairs and to which no other row can be added."""
    tied = {frozenset(pair) for pair in pairs}
    subsets = [
        set(some)
        for size in range(2, len(rows) + 1)
        for some in combinations(rows, size)
        if all(frozenset(pair) in tied for pair in combinations(some, 2))
    ]
    largest = [some for some in subsets if not any(some < other for other in subsets)]
    return [[rows[place] for place in places] for places in sorted(sorted(map(rows.index, group)) for group in largest)]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_groups_are_the_largest_sets_of_rows_tied_in_pairs(page: Any, share: float) -> None:
    draw = np.random.default_rng(int(10 * share))
    for _ in range(6):
        rows = draw.permutation(10).tolist()
        pairs = [pair for pair in combinations(range(10), 2) if draw.random() < share]
        assert groups(page, rows, pairs) == enumerated(rows, pairs)


def test_many_rows_that_are_all_alike_are_one_group(page: Any) -> None:
    rows = list(range(40))
    assert groups(page, rows, list(combinations(rows, 2))) == [rows]


@pytest.mark.parametrize(("triples", "shown"), [(4, 3**4), (5, 0), (20, 0)])
def test_more_groups_than_a_page_shows_are_none(page: Any, triples: int, shown: int) -> None:
    """Rows told apart from the other two of their triple alone have 3 ** triples groups, the most that there can be."""
    rows = list(range(3 * triples))
    pairs = [(one, other) for one, other in combinations(rows, 2) if one // 3 != other // 3]
    assert len(groups(page, rows, pairs)) == shown
