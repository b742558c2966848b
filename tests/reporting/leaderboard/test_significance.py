"""Marks of cells without a significant difference from the best."""

from pathlib import Path

import numpy as np
import pytest

from hashbench.records.results import results
from hashbench.reporting.leaderboard.csv_file import lines
from hashbench.reporting.leaderboard.markdown import markdown
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.statistics import holm
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
    assert far.vs_best is not None
    wanted = compared(QUERIES + 0.1 + NOISE[2], QUERIES + 0.2 + NOISE[0])
    assert (far.vs_best.difference, far.vs_best.low) == pytest.approx((wanted.difference, wanted.low))
    text = markdown([table])
    assert text.count("| ≈ ") == 2  # in the overview and in the details
    assert "Holm-corrected over the 2 cells compared" in text


def test_p_is_adjusted_for_all_cells_of_the_table(tmp_path: Path) -> None:
    table = table_of(tmp_path, ("a", 0, 0.2, 0), *((f"m{n}", 0, 0.19, n) for n in range(1, 5)))
    raw = [row.cell(16).vs_best.p for row in table.ranked[1:]]  # type: ignore[union-attr]
    assert [row.cell(16).adjusted_p for row in table.ranked[1:]] == holm(raw) != raw


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
    assert [row.cell(16).adjusted_p for row in table.ranked] == [None, None, None]
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
