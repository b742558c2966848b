"""``hb.load``: the fitted method of a record encodes new items as its trial did."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import hashbench as hb
from hashbench.data.spec import open_dataset
from hashbench.execution.stored_trial import load_codes
from hashbench.replay.query import find_nearest
from tests.pictures import pictures
from tests.stored_trials import copied, stored


@pytest.fixture(scope="module")
def queries() -> npt.NDArray[np.uint8]:
    """The query images of digits, uint8 [200, 1, 8, 8]."""
    digits = open_dataset("digits", Path())
    return pictures(digits, digits.split().query).numpy()


@pytest.mark.parametrize("method", ["itq", "paints"])
def test_it_encodes_as_the_trial_did(method: str, results: Path, queries: npt.NDArray[np.uint8]) -> None:
    trial = stored(results, method)
    fitted = hb.load(trial.file, device="cpu")
    assert np.array_equal(fitted.encode(queries, packed=True), load_codes(trial).query.packed)
    assert np.array_equal(fitted.encode(torch.from_numpy(queries[:20])), load_codes(trial).query.unpack()[:20])


def test_a_method_on_features_takes_vectors_images_and_files(
    results: Path, queries: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    trial = stored(results, "itq")
    fitted = hb.load(trial.record["key"][:8], results, device="cpu")
    expected = load_codes(trial).query.unpack()[:40]
    vectors = queries[:40].reshape(40, 64) / np.float32(255)
    assert np.array_equal(fitted.encode(vectors), expected)
    assert np.array_equal(fitted.encode(torch.from_numpy(vectors)), expected)
    assert np.array_equal(fitted.encode(vectors.tolist()), expected)
    files = [tmp_path / f"{row}.png" for row in range(40)]
    for file, image in zip(files, queries, strict=False):
        Image.fromarray(image[0]).save(file)
    assert np.array_equal(fitted.encode(files), expected), "grey files are of one channel, as digits are"


def test_progress_is_logged(results: Path, queries: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.util.progress.SECONDS_BETWEEN", 0.0)
    lines: list[str] = []
    hb.load(stored(results, "itq").file, device="cpu").codes(queries, lines.append)
    assert lines[0].startswith("16 of 200 images, ")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            np.zeros((3, 12), dtype=np.float32),
            r"^itq of record [0-9a-f]{6} cannot encode items of 12 features \(.*pixels",
        ),
        (np.zeros((3, 3, 8, 8), dtype=np.uint8), "cannot encode items of 192 features"),
        (np.full((3, 64), np.nan, dtype=np.float32), r"itq of record [0-9a-f]{6}: row 0 has NaN or infinite values"),
        (np.zeros((3, 2, 8, 8), dtype=np.uint8), r"wanted uint8 images \[n, 1 or 3, h, w\]"),
        (np.zeros(64, dtype=np.float32), r"wanted float features \[n, d\]"),
        (["nowhere.png"], r"the image nowhere\.png cannot be decoded"),
        ([[0.5] * 64, [0.5]], r"^lists of numbers of several lengths, wanted vectors \[n, d\]"),
        ([], "^an empty list, wanted image files or lists of numbers"),
        ("cat.png", r"^got the name 'cat\.png', wanted a list of image files, say \['cat\.png'\], or vectors \[n, d\]"),
        (Path("x.npy"), r"^got the name 'x\.npy', wanted a list"),
        ([0.5] * 64, r"wanted float features \[n, d\]"),
        ([[0.5] * 64, "a.png"], "^1 of 2 items are files, wanted image files alone or lists of numbers alone"),
    ],
)
def test_other_items_are_one_line(items: object, message: str, results: Path) -> None:
    fitted = hb.load(stored(results, "itq").file, device="cpu")
    with pytest.raises(hb.UsageError, match=message) as refused:
        fitted.encode(items)  # type: ignore[call-overload]
    assert "\n" not in str(refused.value)


def test_records_without_a_method_are_named(results: Path, tmp_path: Path) -> None:
    (reference,) = (results / "records").glob("*reference_float*.json")
    with pytest.raises(hb.UsageError, match="is reference-float: there is no method; name another"):
        hb.load(reference)
    trial = copied(results, "itq", tmp_path)
    trial.state_file.unlink()
    with pytest.raises(hb.UsageError, match="was not kept"):
        hb.load(trial.file)
    with pytest.raises(hb.UsageError, match="no record 'abc'"):
        hb.load("abc", results)


def test_vectors_for_a_method_on_images_are_refused(results: Path) -> None:
    with pytest.raises(
        hb.UsageError, match=r"borrows of record .* reads images, got float32 \[3, 64\]; give image files"
    ):
        hb.load(stored(results, "borrows").file, device="cpu").encode(np.zeros((3, 64), dtype=np.float32))


def test_the_nearest_items_are_those_of_the_database(results: Path, queries: npt.NDArray[np.uint8]) -> None:
    trial = stored(results, "itq")
    found = find_nearest(hb.load(trial.file, device="cpu"), queries[:10], 7)
    codes = load_codes(trial)
    distances = (codes.query.unpack()[:10, None] != codes.database.unpack()[None]).sum(-1)
    assert np.array_equal(found.distances, np.sort(distances, axis=1)[:, :7])
    assert np.array_equal(found.items, codes.database_items[np.argsort(distances, axis=1, kind="stable")[:, :7]])
    digits = open_dataset("digits", Path())
    assert np.array_equal(found.labels, digits.labels()[found.items])
    assert found.database == 1597
    assert min(found.encode_seconds, found.search_seconds) > 0
