"""Rows of other folders between one's own."""

from pathlib import Path

from hashbench.records.results import Results, results
from hashbench.records.store import Record
from hashbench.records.submitted import SUBMITTED
from hashbench.reporting.leaderboard.beside import beside, folder_names
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.leaderboard.tables import tables
from tests.reporting.made_records import make_record, write_records


def read(folder: Path, *records: Record) -> Results:
    return results(write_records(folder, list(records)).root)


def labels(made: list[Table]) -> list[str]:
    (table,) = made
    return [row.label for row in table.rows]


def test_a_row_of_another_folder_stands_in_its_place_and_says_where_it_is_from(tmp_path: Path) -> None:
    own = read(tmp_path / "own", make_record("mine", 16, 0.5), make_record("reference-random", 16, 0.1))
    other = read(tmp_path / "other", make_record("itq", 16, 0.6), make_record("lsh", 16, 0.4))
    together = beside(own, {"published": other})
    made = tables(together.results, current=together.own)
    assert labels(made) == ["itq [results=published]", "mine", "lsh [results=published]", "reference-random"]


def test_the_same_trial_of_both_is_two_rows_and_one_reference(tmp_path: Path) -> None:
    floor, method = make_record("reference-random", 16, 0.1), make_record("itq", 16, 0.5)
    own = read(tmp_path / "own", method, floor)
    other = Results((make_record("itq", 16, 0.6) | {"key": "1" * 16}, floor))
    together = beside(own, {"other": other})
    assert labels(tables(together.results, current=together.own)) == [
        "itq [results=other]",
        "itq",
        "reference-random",
    ]


def test_a_record_that_both_have_is_ones_own(tmp_path: Path) -> None:
    record = make_record("itq", 16, 0.5)
    together = beside(read(tmp_path / "own", record), {"other": read(tmp_path / "other", record)})
    assert labels(tables(together.results, current=together.own)) == ["itq"]
    assert together.results.files[record["key"]].is_relative_to(tmp_path / "own")


def test_submissions_are_marked_as_such_and_not_twice(tmp_path: Path) -> None:
    submitted = make_record("itq", 16, 0.6, variant={"codes": SUBMITTED})
    together = beside(read(tmp_path / "own", make_record("mine", 16, 0.5)), {"s": read(tmp_path / "s", submitted)})
    assert f"itq [codes={SUBMITTED}]" in labels(tables(together.results, current=together.own))


def test_only_tables_with_a_row_of_ones_own_are_shown_and_those_without_others_are_named(tmp_path: Path) -> None:
    own = read(tmp_path / "own", make_record("mine", 16, 0.5), make_record("mine", 16, 0.5, limit=9))
    others = read(tmp_path / "other", make_record("itq", 16, 0.6), make_record("itq", 16, 0.6, protocol="digits/x"))
    together = beside(own, {"other": others})
    made = together.tables_with_own(tables(together.results, current=together.own))
    assert [table.key.protocol for table in made] == ["digits/holdout-200"] * 2
    assert together.alone(made) == ["digits/holdout-200, features pixels, first 9 training items"]


def test_folders_are_called_by_their_last_name_or_by_their_path() -> None:
    assert folder_names([Path("a/own"), Path("b/published")]) == {
        "own": Path("a/own"),
        "published": Path("b/published"),
    }
    assert list(folder_names([Path("a/x"), Path("b/x")])) == ["a/x", "b/x"]
