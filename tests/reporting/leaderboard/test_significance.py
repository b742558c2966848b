"""Marks of cells without a significant difference from the best."""

import re
from pathlib import Path

import numpy as np
import pytest

from hashbench.records.results import results
from hashbench.reporting.leaderboard.caption import caption
from hashbench.reporting.leaderboard.csv_file import lines
from hashbench.reporting.leaderboard.markdown import markdown
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.leaderboard.tables import tables
from tests.reporting.made_records import failed, make_record, write_records
from tests.reporting.test_statistics import compared

QUERIES = np.random.default_rng(0).beta(0.5, 1, 200)
NOISE = np.random.default_rng(1).normal(0, 0.1, (5, 200))


def table_of(tmp_path: Path, *rows: tuple[str, int, float, int]) -> Table:
    """A row: method, repetition, by how much it is better than the queries are hard, which noise."""
    records, values = [], []
    for method, repetition, better, noise in rows:
        ap = QUERIES + better + NOISE[noise]
        records.append(make_record(method, 16, float(ap.mean()), repetition=repetition))
        values.append(ap)
    (table,) = tables(results(write_records(tmp_path, records, values).root))
    return table


def test_close_ones_are_marked_and_far_ones_are_not(tmp_path: Path) -> None:
    table = table_of(tmp_path, ("a", 0, 0.2, 0), ("b", 0, 0.195, 1), ("c", 0, 0.1, 2))
    (best,), (close,), (far,) = (list(row.cells.values()) for row in table.ranked)
    assert [row.method for row in table.ranked] == ["a", "b", "c"]
    assert (best.vs_best, best.tied_with_best) == (None, False)
    assert (close.tied_with_best, far.tied_with_best) == (True, False)
    assert close.vs_best is not None
    assert far.vs_best is not None
    assert close.vs_best.p > 0.05
    assert far.vs_best.p == pytest.approx(1 / 10_001)
    wanted = compared(QUERIES + 0.1 + NOISE[2], QUERIES + 0.2 + NOISE[0])
    assert (far.vs_best.difference, far.vs_best.low) == pytest.approx((wanted.difference, wanted.low))
    text = markdown([table])
    assert text.count("| ≈ ") == 2  # in the overview and in the details
    assert "all pairs of rows in all columns at once, so that chance tells any apart in 5 % of tables" in text
    smallest = re.search(r"Smallest difference that could have been told apart \(median pair\): 0\.0(\d\d) at", text)
    assert smallest is not None
    assert 17 <= int(smallest[1]) <= 22  # 1.96 standard errors of .1 sqrt(2 / 200): the others are told apart


def test_p_is_adjusted_for_all_pairs_of_the_table(tmp_path: Path) -> None:
    rows = [(method, 0, 0.2 - 0.005 * noise, noise) for noise, method in enumerate("abcde")]
    few, many = table_of(tmp_path / "few", *rows[:2]), table_of(tmp_path / "many", *rows)
    p = [table.ranked[1].cell(16).vs_best for table in (few, many)]
    assert p[0] is not None
    assert p[1] is not None
    assert p[1].p > p[0].p + 0.1


def test_rows_that_cannot_be_told_apart_have_one_rank(tmp_path: Path) -> None:
    rows = [("a", 0.3, 0), ("b", 0.295, 1), ("c", 0.2, 2), ("d", 0.1, 3), ("e", 0.085, 4)]
    table = table_of(tmp_path, *((method, 0, better, noise) for method, better, noise in rows))
    assert [(line.row.method, line.rank) for line in table.lines()] == list(zip("abcde", (1, 1, 3, 4, 4), strict=True))
    assert "Rank: 1 + the number of better rows that a row can be told apart from" in markdown([table])


def two_columns(tmp_path: Path, **better: tuple[float, float]) -> Table:
    """Rows by how much better than the queries are hard they are at 16 and 32 bits."""
    records, values = [], []
    for noise, (method, columns) in enumerate(better.items()):
        for bits, more in zip((16, 32), columns, strict=True):
            ap = QUERIES + more + NOISE[noise]
            records.append(make_record(method, bits, float(ap.mean())))
            values.append(ap)
    (table,) = tables(results(write_records(tmp_path, records, values).root))
    return table


def test_ranks_are_of_the_mean_over_columns_and_marks_of_each_column(tmp_path: Path) -> None:
    table = two_columns(tmp_path, a=(0.3, 0.3), b=(0.36, 0.235), c=(0.0, 0.2))
    assert [(row.method, row.rank) for row in table.ranked] == [("a", 1), ("b", 1), ("c", 3)]
    marks = [[(table.is_best(row, bits), row.cell(bits).tied_with_best) for bits in (16, 32)] for row in table.ranked]
    assert marks == [[(False, False), (True, False)], [(True, False), (False, False)], [(False, False)] * 2]
    assert "better rows in the mean over columns that a row can be told apart from" in markdown([table])


def test_a_row_without_ap_per_query_is_ranked_by_its_mean(tmp_path: Path) -> None:
    records = [make_record("a", 16, 0.9), make_record("b", 16, 0.5), make_record("c", 16, 0.9)]
    (table,) = tables(results(write_records(tmp_path, records, [None, QUERIES, QUERIES]).root))
    assert [(row.method, row.rank) for row in table.ranked] == [("a", 1), ("c", 1), ("b", 2)]


def of_repetitions(tmp_path: Path, **counts: int) -> str:
    """What the caption says, by how many repetitions each method has."""
    rows = [(method, number, 0.2, number % 5) for method, count in counts.items() for number in range(count)]
    return " ".join(caption(table_of(tmp_path, *rows)))


def test_the_caption_says_whether_it_is_about_methods_or_trainings(tmp_path: Path) -> None:
    one, three = of_repetitions(tmp_path / "one", a=1, b=1), of_repetitions(tmp_path / "three", a=3, b=4)
    mixed = of_repetitions(tmp_path / "mixed", a=3, b=1)
    assert "bootstrap over queries, not over repetitions: it holds of these trainings, not of these methods" in one
    assert "bootstrap over queries and repetitions;" in three
    assert "these trainings" not in three
    assert "where a cell has 3 or more: of b, with fewer, it holds of these trainings, not of this method" in mixed


def test_repetitions_that_differ_widely_are_not_told_apart(tmp_path: Path) -> None:
    def rows(spread: float) -> list[tuple[str, int, float, int]]:
        trainings = enumerate((-spread, 0.0, spread))
        return [(m, r, 0.2 + more - less, 0) for r, more in trainings for m, less in (("a", 0.0), ("b", 0.03))]

    narrow, wide = (table_of(tmp_path / str(spread), *rows(spread)) for spread in (0.001, 0.05))
    assert [row.rank for row in narrow.ranked] == [1, 2]
    assert [row.rank for row in wide.ranked] == [1, 1]


def test_fewer_than_twenty_queries_tell_nothing_apart_and_the_caption_says_so(tmp_path: Path) -> None:
    records = [make_record("a", 16, 0.9), make_record("b", 16, 0.1)]
    store = write_records(tmp_path, records, [np.full(19, 0.9), np.full(19, 0.1)])
    (table,) = tables(results(store.root))
    assert [row.rank for row in table.ranked] == [1, 1]
    assert "With fewer than 20 queries nothing can be told apart." in caption(table)


def test_repetitions_are_averaged_query_by_query_before_they_are_compared(tmp_path: Path) -> None:
    table = table_of(tmp_path, ("a", 0, 0.2, 0), ("a", 1, 0.2, 3), ("b", 0, 0.1, 1), ("b", 1, 0.1, 2))
    first = QUERIES + 0.1 + NOISE[1:3].mean(axis=0)
    second = QUERIES + 0.2 + NOISE[[0, 3]].mean(axis=0)
    paired, wanted = table.ranked[1].cell(16).vs_best, compared(first, second)
    assert paired is not None
    assert (paired.difference, paired.low, paired.p) == pytest.approx((wanted.difference, wanted.low, wanted.p))


def test_what_cannot_be_compared_is_not_marked(tmp_path: Path) -> None:
    records = [make_record("a", 16, 0.9), make_record("b", 16, 0.89), make_record("c", 16, 0.89)]
    records.append(failed(make_record("d", 16, 0.5)))
    (table,) = tables(results(write_records(tmp_path, records, [QUERIES, None, QUERIES[:50]]).root))
    assert [row.cell(16).vs_best for row in table.ranked] == [None, None, None]
    assert [row.rank for row in table.ranked] == [1, 2, 2]
    assert "≈" not in markdown([table])
    assert "2 cells were not compared with the best: there is no AP per query" in markdown([table])
    assert all("to_best_p" not in line for line in lines([table]))


def test_a_damaged_file_is_named_and_hides_nothing(tmp_path: Path) -> None:
    records = [make_record("a", 16, 0.9), make_record("b", 16, 0.89)]
    store = write_records(tmp_path, records, [QUERIES, QUERIES - 0.01])
    (damaged,) = store.records_folder.glob("*-b-*.npz")
    damaged.write_bytes(damaged.read_bytes()[:100])
    (table,) = tables(results(tmp_path))
    assert [row.method for row in table.ranked] == ["a", "b"]
    assert len(table.faults) == 1
    assert f"{damaged} cannot be read" in table.faults[0]


def test_a_column_without_any_ap_per_query_does_not_keep_the_others_from_being_compared(tmp_path: Path) -> None:
    records = [make_record(method, bits, 0.5) for bits in (16, 32) for method in ("a", "b")]
    (table,) = tables(results(write_records(tmp_path, records, [None, None, QUERIES, QUERIES - 0.1]).root))
    assert [row.cell(16).vs_best for row in table.ranked] == [None, None]
    assert any(row.cell(32).vs_best for row in table.ranked)


def incomplete(tmp_path: Path, *broken: tuple[int, int]) -> Table:
    """Two complete rows, and at 16 bits alone the best of all; at these bits and repetitions it failed."""
    records, values = [], []
    rows = (("a", 16, 0.2, 0), ("a", 32, 0.2, 0), ("b", 16, 0.1, 1), ("b", 32, 0.195, 1))
    for method, bits, better, noise in (*rows, ("c", 16, 0.205, 2), ("d", 16, 0.3, 3)):
        if (method, bits) != ("d", 16) or broken:
            ap = QUERIES + better + NOISE[noise]
            records.append(make_record(method, bits, float(ap.mean())))
            values.append(ap)
    records += [failed(make_record("d", bits, 0.5, repetition=repetition)) for bits, repetition in broken]
    (table,) = tables(results(write_records(tmp_path, records, values).root))
    return table


def test_the_best_of_a_column_may_lack_other_cells_and_the_others_are_compared_with_it(tmp_path: Path) -> None:
    table = incomplete(tmp_path)
    assert [row.method for row in table.ranked] == ["a", "b"]
    (c,) = table.unranked
    assert [table.is_best(row, 16) for row in table.rows] == [False, False, True]
    assert [table.is_best(row, 32) for row in table.rows] == [True, False, False]
    assert (c.rank, c.cell(16).vs_best) == (None, None)
    close, far = (row.cell(16).vs_best for row in table.ranked)
    assert close is not None
    assert far is not None
    assert (close.p > 0.05, far.p < 0.05) == (True, True)
    assert far.difference == pytest.approx(compared(QUERIES + 0.1 + NOISE[1], QUERIES + 0.205 + NOISE[2]).difference)
    text = markdown([table])
    assert re.search(r"\| – \| c \| \*\*0\.\d+\*\* \| – \|", text)
    assert "have no rank." in text


def test_a_cell_of_which_a_repetition_failed_is_neither_best_nor_compared(tmp_path: Path) -> None:
    table = incomplete(tmp_path, (16, 1))
    d = next(row for row in table.unranked if row.method == "d")
    means = [row.cell(16).mean("map@1000") or 0.0 for row in table.methods]
    assert means[table.methods.index(d)] == max(means)
    assert not table.is_best(d, 16)
    assert d.cell(16).vs_best is None
    assert "have no rank; cells of which one failed are not compared." in markdown([table])
