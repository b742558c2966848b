"""Codes from elsewhere as records: keys, tables, protocols, and what is refused."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

import hashbench as hb
from hashbench.data.protocol_card import make_card
from hashbench.data.spec import open_dataset
from hashbench.errors import UsageError
from hashbench.execution.run import make_settings, plan_grids
from hashbench.external.arrays import read_arrays
from hashbench.planning.grid import Grid
from hashbench.plugins.registry import DATASETS
from hashbench.records.results import results
from tests.evaluation.peak_memory import watched
from tests.external.scoring import Arrays, Score, drawn_arrays, npz, only, table_with


@pytest.fixture
def arrays() -> Arrays:
    """Codes of 12 bits for 6 queries and 40 items of 3 classes."""
    return drawn_arrays(12)


@pytest.fixture(scope="module")
def digits() -> Arrays:
    """Pixels of digits as codes, in the order of its protocol, with its labels and items."""
    dataset = open_dataset("digits", Path())
    _, split = make_card(dataset, "digits/holdout-200")
    classes, arrays = dataset.labels().argmax(axis=1), {}
    for part, items in (("query", split.query), ("database", split.database)):
        images: Any = dataset.images(items)
        arrays[f"{part}_codes"] = images.flatten(1).numpy()[:, :16] > 100
        arrays[f"{part}_labels"], arrays[f"{part}_items"] = classes[items], items
    return arrays


def evaluated(arrays: Arrays, cutoff: int | None = None) -> hb.Scores:
    codes = arrays["query_codes"], arrays["database_codes"]
    return hb.evaluate(*codes, arrays["query_labels"], arrays["database_labels"], cutoff, "cpu")


def test_a_record_says_that_the_codes_come_from_elsewhere(score: Score, arrays: Arrays, tmp_path: Path) -> None:
    record = score(arrays)
    assert record["trial"]["method"] == "mine"
    assert record["variant"] == record["trial"]["parameters"] == {"codes": "external"}
    assert sorted(record["fingerprint"]["scored"]) == ["database_codes", "query_codes"]
    assert record["provenance"]["scored"] == {"encoding": "bool", "files": {}}
    kept = npz(record, tmp_path / "results")
    assert kept["query_codes"].tobytes() == np.packbits(arrays["query_codes"], axis=1).tobytes()
    assert kept["query_items"].tolist() == list(range(6))
    assert kept["database_items"].tolist() == list(range(6, 46))
    wanted = evaluated(arrays)
    assert record["metrics"] == wanted.metrics
    assert kept["average_precision"].tolist() == wanted.average_precision.tolist()


def test_the_same_codes_have_one_record_whatever_their_encoding(score: Score, arrays: Arrays, tmp_path: Path) -> None:
    def written(**codes: Any) -> Arrays:
        return {**arrays, **{name: codes["how"](arrays[name]) for name in ("query_codes", "database_codes")}}

    records, contents = [], []
    for how, options in (
        (lambda bits: bits, {}),
        (lambda bits: bits.astype(np.float32), {"encoding": "01"}),
        (lambda bits: np.where(bits, 1, -1), {"encoding": "pm1"}),
        (lambda bits: np.packbits(bits, axis=1), {"encoding": "packed", "bits": 12}),
    ):
        records.append(score(written(how=how), **options))
        contents.append({name: array.tobytes() for name, array in npz(records[-1], tmp_path / "results").items()})
    own = ("created", "scored", "seconds", "memory", "environment", "provenance")
    plain = [{name: value for name, value in record.items() if name not in own} for record in records]
    assert all(content == contents[0] for content in contents)
    assert all(record == plain[0] for record in plain)
    assert len(list((tmp_path / "results/records").glob("*-mine-*.json"))) == 1


def test_codes_of_the_same_labels_share_a_table_and_seeds_a_cell(score: Score, arrays: Arrays, tmp_path: Path) -> None:
    score(arrays)
    score({**arrays, "query_codes": ~arrays["query_codes"]}, repetition=1)
    hot = {name: np.eye(3)[arrays[name]] for name in ("query_labels", "database_labels")}
    other = score({**arrays, **hot}, name="other")
    table = table_with(other, tmp_path / "results")
    assert table.key.protocol.startswith("scored/labels-")
    assert {row.label: len(row.cell(12).ok) for row in table.ranked} == {
        "mine [codes=external]": 2,
        "other [codes=external]": 1,
    }
    assert [row.label for row in table.references] == ["reference-random"]
    assert table.references[0].cell(12).mean("map@1000") == pytest.approx(other["metrics"]["chance"], abs=0.1)


def test_what_the_method_saw_is_recorded_and_goes_with_supervised(score: Score, arrays: Arrays, tmp_path: Path) -> None:
    assert "information" not in score(arrays)
    record = score(arrays, name="clip", information="captions")
    assert record["information"] == "captions"
    assert table_with(record, tmp_path / "results").shows_information
    assert score(arrays, name="labels", supervised=True)["information"] == "labels"
    for wrong, wanted in (
        ({"information": "labels"}, "wanted one of images, external knowledge, class names, captions"),
        ({"information": "captions", "supervised": True}, "wanted with --supervised, which says labels, none"),
    ):
        with pytest.raises(UsageError, match=wanted):
            score(arrays, name="other", **wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"arrays": {"database_labels": np.arange(40) % 2}},
        {"arrays": {"query_items": np.arange(6), "database_items": np.arange(100, 140)}},
        {"cutoff": 10},
        {"table": "birds"},
        {"features": "external:vgg-f"},
        {"supervised": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_be_compared_has_another_table(
    score: Score, arrays: Arrays, tmp_path: Path, change: dict[str, Any]
) -> None:
    first = score(arrays)
    second = score({**arrays, **change.pop("arrays", {})}, name="other", **change)
    assert table_with(first, tmp_path / "results") != table_with(second, tmp_path / "results")


def test_a_cutoff_is_scored_and_stands_in_the_card(score: Score, arrays: Arrays) -> None:
    record = score(arrays, cutoff=10)
    assert record["protocol_card"]["cutoff"] == 10
    assert record["metrics"]["map@10"] == evaluated(arrays, 10).metrics["map@10"]


@pytest.mark.usefixtures("no_figures")
def test_codes_join_the_table_of_a_protocol_beside_trained_trials(score: Score, digits: Arrays, tmp_path: Path) -> None:
    trained = hb.run(methods="lsh", bits=16, results=tmp_path / "results", executor="inline", device="cpu")
    record = score(only(digits, "codes", "labels"), name="lsh", protocol="digits", features="pixels")
    (lsh,) = [each for each in trained.records if each["trial"]["method"] == "lsh"]
    assert record["protocol_card"] == lsh["protocol_card"]
    table = table_with(record, tmp_path / "results")
    assert sorted(row.label for row in table.ranked) == ["lsh", "lsh [codes=external]"]
    assert table.key.features == "pixels"
    assert record["metrics"] == evaluated(digits).metrics
    settings = make_settings(tmp_path / "results", None, "cpu")
    assert plan_grids([Grid(("lsh",), (16,))], settings).to_run() == []


def test_a_grid_takes_the_floor_that_scoring_left(score: Score, digits: Arrays, tmp_path: Path) -> None:
    score(only(digits, "codes"), protocol="digits", features="pixels")
    plan = plan_grids([Grid(("lsh",), (16,))], make_settings(tmp_path / "results", None, "cpu"))
    assert {each.planned.trial.method: each.state for each in plan.entries} == {
        "reference-float": "missing",
        "reference-random": "done",
        "lsh": "missing",
    }


def test_ids_of_cards_are_what_they_were(score: Score, arrays: Arrays, digits: Arrays) -> None:
    assert score(arrays)["protocol_card"]["id"] == "35255e185d7dfa25"
    assert score(only(digits, "codes"), protocol="digits")["protocol_card"]["id"] == "c3bc9b15972ad5fe"


def test_labels_of_a_protocol_are_read_as_often_for_labelled_codes_as_for_others(
    score: Score, digits: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are made anew at each call by data sets of millions of items."""
    kind = DATASETS.get("digits")
    labels = Mock(side_effect=kind.labels)
    monkeypatch.setattr(kind, "labels", lambda self: labels(self))
    score(only(digits, "codes"), protocol="digits")
    unlabelled = labels.call_count
    score(only(digits, "codes", "labels"), protocol="digits")
    assert labels.call_count == 2 * unlabelled


def test_codes_of_other_features_have_a_table_beside(score: Score, digits: Arrays, tmp_path: Path) -> None:
    joined = score(only(digits, "codes"), protocol="digits", features="pixels")
    beside = score(only(digits, "codes"), protocol="digits")
    assert joined["protocol_card"] == beside["protocol_card"]
    assert joined["key"] != beside["key"]
    assert table_with(beside, tmp_path / "results").key.features == "external"


def test_items_bring_rows_into_the_protocols_order(score: Score, digits: Arrays, tmp_path: Path) -> None:
    straight = score(only(digits, "codes"), protocol="digits")
    kept = npz(straight, tmp_path / "results")
    rng = np.random.default_rng(0)
    orders = {part: rng.permutation(len(digits[f"{part}_items"])) for part in ("query", "database")}
    shuffled = {name: array[orders[name.partition("_")[0]]] for name, array in digits.items()}
    assert score(shuffled, protocol="digits")["key"] == straight["key"]
    again = npz(straight, tmp_path / "results")
    assert {name: array.tolist() for name, array in kept.items()} == {n: a.tolist() for n, a in again.items()}
    with pytest.raises(UsageError, match="query_labels are those of digits/holdout-200 in another order \\(item"):
        score(only(shuffled, "codes", "labels"), protocol="digits")


def swapped(digits: Arrays) -> Arrays:
    labels = digits["database_labels"].copy()
    labels[7] = (labels[7] + 1) % 10
    return {"database_labels": labels}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda d: {"query_codes": d["query_codes"][:-1]}, "query_labels have 200 rows and the codes 199, wanted one"),
        (swapped, "database_labels are not those of digits/holdout-200: item "),
        (
            lambda d: {"query_labels": np.eye(11)[d["query_labels"]]},
            "query_labels are not those of digits/holdout-200: ",
        ),
        (lambda d: {"query_labels": d["query_labels"] + 9}, "query_labels are not those of digits/holdout-200: "),
        (lambda d: {"query_items": d["database_items"][:200]}, "query_items has item "),
    ],
)
def test_codes_of_other_items_do_not_join_a_protocol(
    score: Score, digits: Arrays, tmp_path: Path, change: Callable[[Arrays], Arrays], line: str
) -> None:
    with pytest.raises(UsageError) as refused:
        score({**digits, **change(digits)}, protocol="digits")
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        ({}, {"name": "reference-random"}, "--name is 'reference-random', which is a reference trial's"),
        ({}, {"name": "a\nb"}, "--name is 'a\\nb', wanted 1 to 80 printable characters"),
        ({}, {"repetition": -1}, "--repetition is -1, wanted a whole number from 0 to 1000000000"),
        ({}, {"cutoff": 0}, "--cutoff is 0, wanted a whole number from 1 to 1000000000"),
        ({}, {"table": "a/b"}, "--table is 'a/b', wanted letters, digits, - and _"),
        ({}, {"protocol": "digits", "cutoff": 10}, "--cutoff goes without --protocol, which has its own"),
        ({}, {"protocol": "digits"}, "query_codes have 6 rows, digits/holdout-200 has 200 items there"),
        ({}, {"protocol": "cifar10/*"}, "--protocol 'cifar10/*' means 10 protocols"),
        ({}, {"protocol": "digit"}, "no data set named 'digit'; did you mean 'digits'?"),
        ({}, {"features": "resnet5"}, "no features named 'resnet5'; did you mean 'resnet50'?"),
        ({}, {"features": "external:"}, "--features is 'external:', wanted external:WORDS"),
        ({"query_codes": np.ones((6, 11), dtype=bool)}, {}, "query_codes have 11 bits and database_codes 12"),
        (
            {"query_labels": np.arange(100, 106)},
            {},
            "query_labels and database_labels have no class in common (queries: 100, 101, 102, 103, 104 and 1 more; "
            "database: 0, ",
        ),
        (
            {"query_labels": np.eye(4, dtype=bool)[[3] * 6], "database_labels": np.eye(4, dtype=bool)[[1, 2] * 20]},
            {},
            "query_labels and database_labels have no class in common (queries: 3; database: 1, 2), so no query has",
        ),
        (
            {"query_labels": np.zeros((6, 4), dtype=bool), "database_labels": np.eye(4, dtype=bool)[[1] * 40]},
            {},
            "query_labels and database_labels have no class in common (queries: none; database: 1), so no query has",
        ),
        (
            {"query_labels": np.eye(4)[:3].repeat(2, 0), "database_labels": np.arange(40) % 6},
            {},
            "labels: class number 5 with 4 classes, wanted 0 to 3",
        ),
    ],
)
def test_what_does_not_go_together_is_one_line(
    score: Score, arrays: Arrays, tmp_path: Path, change: Arrays, options: dict[str, Any], line: str
) -> None:
    with pytest.raises(UsageError) as refused:
        score({**arrays, **change}, **options)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "results").exists()


def test_missing_arrays_are_named(score: Score, arrays: Arrays) -> None:
    with pytest.raises(UsageError, match=r"^no query_codes among the arrays \(there are: database_codes\)"):
        score({"database_codes": arrays["database_codes"]})
    with pytest.raises(UsageError, match=r"^no database_labels were given; add them, or name"):
        score({name: array for name, array in arrays.items() if name != "database_labels"})
    with pytest.raises(UsageError, match="no array of codes named 'query_code'; did you mean 'query_codes'"):
        score({"query_code": arrays["query_codes"]})


def test_records_do_not_depend_on_where_they_are_read(score: Score, arrays: Arrays, tmp_path: Path) -> None:
    """The file says what the call returned, in strict JSON."""
    record = score(arrays)
    file = results(tmp_path / "results").files[record["key"]]
    assert json.loads(file.read_text(), parse_constant=lambda name: pytest.fail(name)) == record


def test_class_numbers_are_stored_as_such_and_rescored(score: Score, arrays: Arrays, tmp_path: Path) -> None:
    record = score(arrays)
    kept = npz(record, tmp_path / "results")
    assert kept["database_labels"].tolist() == arrays["database_labels"].tolist()
    again = hb.rescore(tmp_path / "results", everything=True, device="cpu")
    assert not again.faults
    assert {each["key"]: each["metrics"] for each in again.records}[record["key"]] == record["metrics"]


def test_many_classes_are_scored_in_little_memory(score: Score) -> None:
    """40,000 items of 20,000 classes would be 800 MB as a matrix; its packed rows are hashed some at a time."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 20_000, 40_000)
    made = {
        "query_codes": rng.random((50, 8)) < 0.5,
        "database_codes": rng.random((40_000, 8)) < 0.5,
        "query_labels": classes[:50],
        "database_labels": classes,
    }
    with watched() as peak:
        record = score(made)
    assert 0 < max(peak.arrays, peak.tensor) < 120_000_000
    assert record["protocol_card"]["classes"] == len(np.unique(classes))


def test_tensors_are_arrays(score: Score, arrays: Arrays) -> None:
    wanted = score(arrays)["key"]
    signs = {
        "query_codes": torch.where(torch.from_numpy(arrays["query_codes"]), 1.0, -1.0).requires_grad_(),
        "database_codes": torch.where(torch.from_numpy(arrays["database_codes"]), 1.0, -1.0).bfloat16(),
        "query_labels": torch.from_numpy(arrays["query_labels"]),
        "database_labels": torch.from_numpy(arrays["database_labels"]),
    }
    assert score(signs, encoding="pm1")["key"] == wanted


def test_a_bit_order_is_about_packed_codes_and_is_recorded(score: Score, arrays: Arrays) -> None:
    packed = {name: np.packbits(arrays[name], axis=1, bitorder="little") for name in ("query_codes", "database_codes")}
    record = score({**arrays, **packed}, encoding="packed", bits=np.int64(12), bit_order="lsb")
    assert record["provenance"]["scored"]["bit_order"] == "lsb"
    assert record["key"] == score(arrays)["key"]
    with pytest.raises(UsageError, match=r"^--bit-order lsb is about --encoding packed; leave it out"):
        score(arrays, bit_order="lsb")


HEADERS = {
    "not closed": b"{'descr': '|b1', 'fortran_order': False, 'shape': (3",
    "giant": b"{'descr': '|b1', 'fortran_order': False, 'shape': (1000000000000, 100000), }",
    "beyond int64": b"{'descr': '|b1', 'fortran_order': False, 'shape': (9999999999999999999999, 4), }",
    "negative": b"{'descr': '|b1', 'fortran_order': False, 'shape': (-3, 4), }",
    "no type": b"{'descr': 3, 'fortran_order': False, 'shape': (2, 2), }",
    "nested": b"[" * 110,
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("archived", [False, True])
def test_a_damaged_header_of_an_array_is_one_line(header: bytes, archived: bool, tmp_path: Path) -> None:
    file = tmp_path / "codes.npy"
    file.write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117) + b"\n" + bytes(100))
    if archived:
        with zipfile.ZipFile(tmp_path / "codes.npz", "w") as archive:
            archive.write(file, "query_codes.npy")
        file = tmp_path / "codes.npz"
    with pytest.raises(UsageError, match=r"^\S*codes\.np. cannot be read \([^\n]+\); wanted [^\n]*$"):
        read_arrays(file, {})


@pytest.mark.parametrize("member", ["database_codes", "database_codes.npy"])
def test_a_member_that_is_no_array_is_named(member: str, arrays: Arrays, tmp_path: Path) -> None:
    file = tmp_path / "codes.npz"
    np.savez(file, query_codes=arrays["query_codes"])
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(member, "101 010")
    with pytest.raises(UsageError, match=r"cannot be read .*database_codes in it is no array of numpy's"):
        read_arrays(file, {})


def test_members_that_are_not_wanted_are_not_read(score: Score, arrays: Arrays, tmp_path: Path) -> None:
    file = tmp_path / "codes.npz"
    np.savez(file, **arrays, paths=np.array(["a.jpg", None], dtype=object))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("README.txt", "codes of mine")
    read = read_arrays(file, {})
    assert read.values.keys() == arrays.keys()
    assert read.unread == ("README.txt", "paths")
