"""Packing: what is in a submission, and what is not."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hashbench.errors import UsageError
from hashbench.records.results import results as read
from hashbench.submission.submit import submit
from tests.submission.packing import PAPERS, card, contents, entry


def test_a_submission_holds_codes_items_and_a_card_and_nothing_else(archive: Path) -> None:
    found = contents(archive)
    fields = card(found)
    assert {name.partition("/")[0] for name in found} == {"card.json", "codes", "items"}
    assert [one["method"] for one in fields["entries"]] == ["classes", "mine"]
    mine = entry(fields)
    assert (mine["paper"], mine["information"], mine["bits"]) == (PAPERS["mine"], "images", 12)
    assert mine["protocol"] == "digits/holdout-200"
    assert entry(fields, "classes")["information"] == "labels"


def test_codes_stand_in_the_order_of_their_item_numbers(archive: Path, results: Path) -> None:
    found = contents(archive)
    mine = entry(card(found))
    (record,) = [one for one in read(results).records if one["trial"]["method"] == "mine"]
    with np.load(read(results).files[record["key"]].with_suffix(".npz")) as stored:
        items = np.frombuffer(found[mine["items"]["database"]["file"]], dtype="<i8")
        codes = np.frombuffer(found[mine["codes"]["database"]["file"]], dtype=np.uint8).reshape(-1, 2)
        assert (np.diff(items) > 0).all()
        own = {
            int(item): row.tolist()
            for item, row in zip(stored["database_items"], stored["database_codes"], strict=True)
        }
    assert own == {int(item): row.tolist() for item, row in zip(items, codes, strict=True)}


def test_entries_of_one_protocol_share_the_item_numbers(archive: Path) -> None:
    found = contents(archive)
    assert len([name for name in found if name.startswith("items/")]) == 2


def test_the_same_records_give_the_same_bytes(archive: Path, results: Path, tmp_path: Path) -> None:
    submit(results, tmp_path / "again.zip", papers=PAPERS)
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_hyper_parameters_of_codes_from_elsewhere_are_stated(results: Path, tmp_path: Path) -> None:
    made = submit(
        results,
        tmp_path / "one.zip",
        methods="mine",
        papers={"mine": "unpublished"},
        parameters={"mine": {"epochs": "4"}},
    )
    (only,) = made.card.entries
    assert only.parameters == {"codes": "external", "epochs": "4"} == only.changed


def test_a_method_without_a_paper_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'classes' names no paper; say --paper 'classes=AUTHORS"):
        submit(results, tmp_path / "one.zip", papers={"mine": "unpublished"})
    assert list(tmp_path.iterdir()) == []


def test_a_paper_of_a_method_that_is_not_there_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--paper names 'nine', of which nothing is packed \(there are: classes, mine\)"
    ):
        submit(results, tmp_path / "one.zip", papers=PAPERS | {"nine": "x"})


def test_a_paper_of_more_than_a_line_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"entries\[1\].paper is .* wanted a line of 1 to 300 characters"):
        submit(results, tmp_path / "one.zip", papers=PAPERS | {"mine": "x" * 301})


def test_what_nobody_else_could_score_is_named_and_left_out(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    shutil.copytree(results, folder)
    (file,) = (folder / "records").glob("*-mine-*.json")
    record = json.loads(file.read_text())
    record["trial"]["dataset"] = "scored"
    file.write_text(json.dumps(record))
    (folder / "records/damaged.json").write_text("{")
    made = submit(folder, tmp_path / "one.zip", papers={"classes": "unpublished"})
    damaged, line = made.left_out
    assert "damaged.json cannot be read" in damaged
    assert line == f"not packed: {file.name}: it has no protocol; score its codes with --protocol"
    with pytest.raises(UsageError, match=r"no codes to submit in .*mine.* it has no protocol"):
        submit(folder, tmp_path / "two.zip", methods="mine", papers={"mine": "unpublished"})


def test_a_submission_is_a_zip(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"wanted a name that ends in \.zip"):
        submit(results, tmp_path / "one.tar", papers=PAPERS)
