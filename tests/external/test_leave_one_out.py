"""Queries that are items of the database: counted, left out on request, and in the floor by the same code."""

from pathlib import Path

import numpy as np
import pytest

import hashbench as hb
from hashbench.cli.score_text import lines
from hashbench.errors import UsageError
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.caption import caption
from tests.external.scoring import Arrays, Score, drawn_arrays, npz, only, table_with


@pytest.fixture
def leaking() -> Arrays:
    """Codes of 24 bits for 60 queries, all of which are among the 300 items of the database."""
    rng = np.random.default_rng(5)
    codes, labels, rows = rng.random((300, 24)) < 0.5, rng.integers(0, 30, 300), rng.permutation(300)[:60]
    return {
        "query_codes": codes[rows],
        "database_codes": codes,
        "query_labels": labels[rows],
        "database_labels": labels,
        "query_items": 7 * rows,
        "database_items": 7 * np.arange(300),
    }


@pytest.fixture
def apart() -> Arrays:
    return {**drawn_arrays(12), "query_items": np.arange(6), "database_items": np.arange(6, 46)}


def floor_of(record: Record, folder: Path) -> Record:
    (floor,) = table_with(record, folder).references[0].cell(24).ok
    return floor


def sentences(record: Record, folder: Path) -> str:
    return " ".join(caption(table_with(record, folder)))


def test_queries_of_the_database_are_counted_by_item_numbers(
    score: Score, leaking: Arrays, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = score(leaking)
    assert record["protocol_card"]["leaks"] == {"query_in_database": 60, "query_in_train": None}
    assert "60 queries are also in the database: each finds itself." in sentences(record, tmp_path / "results")
    assert "Queries that are also in the database, where each finds itself: 60." in lines(record)
    assert "--leave-one-out takes a query's own item out of its ranking" in capsys.readouterr().err


def test_items_apart_are_no_leaks(score: Score, apart: Arrays, tmp_path: Path) -> None:
    record = score(apart)
    assert record["protocol_card"]["leaks"] == {"query_in_database": 0, "query_in_train": None}
    assert "in the database" not in sentences(record, tmp_path / "results")


def test_without_item_numbers_the_caption_says_that_leaks_are_not_known(
    score: Score, apart: Arrays, tmp_path: Path
) -> None:
    record = score(only(apart, "codes", "labels"))
    assert record["protocol_card"]["leaks"] is None
    assert "Whether queries are also in the database is not known" in sentences(record, tmp_path / "results")


def test_the_same_codes_and_labels_are_a_leak_without_item_numbers(
    score: Score, leaking: Arrays, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = score(only(leaking, "codes", "labels"))
    assert record["protocol_card"]["leaks"] == {"query_in_database": 60, "query_in_train": None}
    assert "all 60 queries are also in the database, with the same codes and labels" in capsys.readouterr().err
    assert floor_of(record, tmp_path / "results")["metrics"]["map@1000"] > 0.12


def test_leaks_are_no_part_of_a_tables_identity(score: Score, leaking: Arrays, tmp_path: Path) -> None:
    """Two encoders, of queries and of the database, leave no trace of the same items; they are compared all the same.

    The floor of one code per item, once it is known, stays.
    """
    rng, results = np.random.default_rng(0), tmp_path / "results"
    unknown = {**only(leaking, "codes", "labels"), "query_codes": rng.random((60, 24)) < 0.5}
    other = score(unknown, name="other")
    assert other["protocol_card"]["leaks"] is None
    assert floor_of(other, results)["metrics"]["map@1000"] < 0.08
    record = score(only(leaking, "codes", "labels"))
    assert len(table_with(record, results).ranked) == 2
    assert floor_of(record, results)["metrics"]["map@1000"] > 0.12
    assert "60 queries are also in the database: each finds itself." in sentences(other, results)
    score(unknown, name="third")
    assert floor_of(record, results)["metrics"]["map@1000"] > 0.12


def test_the_floor_has_one_code_per_item(score: Score, leaking: Arrays, tmp_path: Path) -> None:
    """Random codes find the query itself as any method does; with its item left out they are at chance."""
    with_own, left_out = score(leaking), score(leaking, leave_one_out=True)
    values = with_own["metrics"]["map@1000"], left_out["metrics"]["map@1000"]
    floors = [floor_of(record, tmp_path / "results") for record in (with_own, left_out)]
    assert values[1] < 0.08 < 0.12 < values[0]
    for value, floor in zip(values, floors, strict=True):
        assert floor["metrics"]["map@1000"] == pytest.approx(value, abs=0.05)
        kept = npz(floor, tmp_path / "results")
        assert np.array_equal(kept["query_codes"], kept["database_codes"][leaking["query_items"] // 7])


@pytest.mark.parametrize("multi_hot", [False, True])
def test_left_out_is_the_querys_own_item_alone(score: Score, leaking: Arrays, tmp_path: Path, multi_hot: bool) -> None:
    """As if each query were scored against a database without it."""
    own = leaking["query_items"] // 7
    if multi_hot:
        hot = np.random.default_rng(2).random((300, 9)) < 0.2
        leaking |= {"database_labels": hot, "query_labels": hot[own]}
    record = score(leaking, leave_one_out=True, cutoff=50)
    card = record["protocol_card"]
    assert card["left_out"] == card["leaks"]["query_in_database"] == 60
    singly = [_alone(leaking, row, own[row]) for row in range(60)]
    answered = [metrics for metrics in singly if metrics]
    for metric in ("map@1000", "map@50/min", "map@all", "precision@10", "recall@100", "chance"):
        mean = np.mean([metrics[metric] for metrics in answered])
        assert record["metrics"][metric] == pytest.approx(mean, abs=1e-12), metric
    assert record["queries"]["unanswerable"] == 60 - len(answered)
    assert "Leave one out: 60 queries are also in the database" in sentences(record, tmp_path / "results")
    assert "Leave one out: 60 queries do not find their own item of the database." in lines(record)


def _alone(arrays: Arrays, row: int, own: int) -> dict[str, float | None]:
    """The metrics of one query on the database without one item; none where no other is relevant."""
    one, others = slice(row, row + 1), np.arange(len(arrays["database_codes"])) != own
    codes = arrays["query_codes"][one], arrays["database_codes"][others]
    labels = arrays["query_labels"][one], arrays["database_labels"][others]
    try:
        return hb.evaluate(*codes, *labels, 50, "cpu").metrics
    except ValueError:
        return {}


def test_leaving_out_makes_another_table(score: Score, leaking: Arrays, tmp_path: Path) -> None:
    first, second = score(leaking), score(leaking, name="other", leave_one_out=True)
    assert table_with(first, tmp_path / "results") != table_with(second, tmp_path / "results")


def test_a_record_without_own_items_is_rescored_without_them(score: Score, leaking: Arrays, tmp_path: Path) -> None:
    record = score(leaking, leave_one_out=True)
    again = hb.rescore(tmp_path / "results", everything=True, device="cpu")
    assert not again.faults
    (same,) = [each for each in again.records if each["key"] == record["key"]]
    assert same["metrics"] == record["metrics"]


def test_there_must_be_an_item_to_leave_out(score: Score, apart: Arrays, leaking: Arrays, tmp_path: Path) -> None:
    for given, why in ((only(leaking, "codes", "labels"), "none was given"), (apart, "no query has one of the")):
        with pytest.raises(UsageError, match=f"^--leave-one-out goes by item numbers, and {why}"):
            score(given, leave_one_out=True)
    with pytest.raises(UsageError, match="--leave-one-out goes without --protocol"):
        score(apart, protocol="digits", leave_one_out=True)
    assert not (tmp_path / "results").exists()


def test_own_rows_that_are_none_are_refused(leaking: Arrays) -> None:
    codes = leaking["query_codes"], leaking["database_codes"]
    labels = leaking["query_labels"], leaking["database_labels"]
    for rows, why in (
        (np.arange(59), r"got int64 \[59\], wanted whole numbers \[60\]"),
        (np.zeros(60), r"got float64 \[60\], wanted whole numbers \[60\]"),
        (np.full(60, 300), "300 to 300, wanted rows 0 to 299, or -1 for none"),
        (np.full(60, -2), "-2 to -2, wanted rows 0 to 299, or -1 for none"),
    ):
        with pytest.raises(ValueError, match=f"^own_rows: {why}"):
            hb.evaluate(*codes, *labels, device="cpu", own_rows=rows)  # type: ignore[arg-type]
    nothing = hb.evaluate(*codes, *labels, device="cpu", own_rows=np.full(60, -1))
    assert nothing.metrics == hb.evaluate(*codes, *labels, device="cpu").metrics
