"""The gallery of a record: which files are written, and the notes where one is not."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from hashbench.errors import UsageError
from hashbench.gallery.make import GalleryRequest, default_records, make_gallery
from tests.stored_trials import copied, stored


@pytest.fixture
def gallery_request(tmp_path: Path) -> GalleryRequest:
    return GalleryRequest(tmp_path, tmp_path / "out", torch.device("cpu"), queries=3, neighbours=2)


def size(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


def test_both_sheets_of_a_method_that_restores(results: Path, gallery_request: GalleryRequest) -> None:
    record = stored(results, "paints")
    made = make_gallery(record, gallery_request)
    assert [file.name for file in made.files] == [
        f"{record.file.stem}-{what}.png" for what in ("neighbours", "reconstructions")
    ]
    assert (made.notes, made.fault) == ([], None)
    assert sorted(gallery_request.out.iterdir()) == sorted(made.files)
    assert size(made.files[0])[0] == 900
    assert size(made.files[0])[1] > 3 * 128
    assert size(made.files[1])[0] > 10 * 128
    assert 2 * 128 < size(made.files[1])[1] < 4 * 128


@pytest.mark.parametrize("method", ["itq", "borrows"])
def test_a_method_that_restores_nothing_says_so(results: Path, gallery_request: GalleryRequest, method: str) -> None:
    made = make_gallery(stored(results, method), gallery_request)
    assert [file.name.rpartition("-")[2] for file in made.files] == ["neighbours.png"]
    assert made.notes == [f"no reconstructions: {method} makes no pictures of codes"]


def test_without_a_state_neighbours_are_still_shown(
    results: Path, gallery_request: GalleryRequest, tmp_path: Path
) -> None:
    record = copied(results, "paints", tmp_path / "copy")
    record.state_file.unlink()
    made = make_gallery(record, gallery_request)
    assert len(made.files) == 1
    assert made.notes == [f"no reconstructions: the state was not kept, there is no {record.state_file.name}"]
    assert made.fault is None


def test_a_damaged_state_is_a_fault_and_neighbours_are_still_shown(
    results: Path, gallery_request: GalleryRequest, tmp_path: Path
) -> None:
    record = copied(results, "paints", tmp_path / "copy")
    record.state_file.write_bytes(b"cut")
    made = make_gallery(record, gallery_request)
    assert len(made.files) == 1
    assert str(made.fault).startswith(f"no reconstructions: state {record.state_file} does not load into paints")


def test_older_sources_are_noted(results: Path, gallery_request: GalleryRequest) -> None:
    record = stored(results, "paints")
    record.record["fingerprint"]["sources"]["methods/paints.py"] = "0" * 16
    made = make_gallery(record, gallery_request)
    assert len(made.files) == 2
    assert made.notes == [f"methods/paints.py changed since {record.file.stem} was made"]


def test_nothing_is_written_where_the_data_set_is_another(results: Path, gallery_request: GalleryRequest) -> None:
    record = stored(results, "paints")
    record.record["protocol_card"]["id"] = "f" * 16
    with pytest.raises(UsageError, match="with the protocol card"):
        make_gallery(record, gallery_request)
    assert not gallery_request.out.exists()


@pytest.mark.parametrize("number", [0, 101])
def test_numbers_out_of_range_are_refused(tmp_path: Path, number: int) -> None:
    with pytest.raises(UsageError, match=f"queries is {number}, wanted a whole number from 1 to 100"):
        GalleryRequest(tmp_path, tmp_path, torch.device("cpu"), queries=number)
    with pytest.raises(UsageError, match=f"neighbours is {number}, wanted a whole number from 1 to 100"):
        GalleryRequest(tmp_path, tmp_path, torch.device("cpu"), neighbours=number)


def test_of_each_kind_the_best_first_repetition_is_chosen(results: Path, tmp_path: Path) -> None:
    for method in ("itq", "paints", "reference_random"):
        copied(results, method, tmp_path)
    own = stored(tmp_path, "itq")
    text = own.file.read_text()
    for key, changes in (("1" * 16, {"repetition": 1}), ("2" * 16, {}), ("3" * 16, {})):
        score = {"1": 0.9, "2": 0.8, "3": 0.1}[key[0]]
        other = own.file.with_name(f"digits-holdout_200-variant-16-0-{key}.json")
        changed = text.replace(own.record["key"], key).replace(
            f'"map@1000": {own.record["metrics"]["map@1000"]}', f'"map@1000": {score}'
        )
        changed = changed.replace('"repetition": 0', f'"repetition": {changes.get("repetition", 0)}')
        other.write_text(changed)
        other.with_suffix(".npz").write_bytes(own.codes_file.read_bytes())
    shown, left_out = default_records(tmp_path)
    assert [(each.trial.method, each.record["key"]) for each in shown] == [
        ("itq", "2" * 16), ("paints", stored(tmp_path, "paints").record["key"])
    ]  # fmt: skip
    assert left_out == 3


def test_a_folder_without_codes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has codes to show; make some with hashbench run"):
        default_records(tmp_path)
