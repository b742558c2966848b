"""The feature cache: extracted once, continued after a kill, checked by sum."""

import json
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from hashbench.data import images
from hashbench.data.images import DECODE_CHUNK_IMAGES
from hashbench.data.spec import open_dataset
from hashbench.dataset import Images, Items
from hashbench.errors import UsageError
from hashbench.features.cache import _blocks
from hashbench.features.parts import PART_ROWS, PartedArray
from hashbench.features.spec import extractor
from tests import pictures as test_pictures
from tests.features.numbered import COUNT, Numbered, Spelling, assert_spelt, cached, folder, seen_again


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_features_of_every_item_in_order(tmp_path: Path, dtype: str) -> None:
    for _ in range(2):
        features = cached(tmp_path, Spelling(dtype)).values
        assert features.dtype == np.dtype("float32" if dtype == "float32" else "float16")
        assert_spelt(features)


def test_features_of_a_real_data_set(tmp_path: Path) -> None:
    digits = open_dataset("digits", Path())
    pixels = test_pictures.pictures(digits, np.arange(1797)).flatten(1).numpy() / 255
    features = cached(tmp_path, extractor("pixels"), digits).values
    np.testing.assert_allclose(features, pixels, rtol=1e-6)


def test_the_array_is_mapped_and_read_only(tmp_path: Path) -> None:
    features = cached(tmp_path, Spelling()).values
    assert isinstance(features, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        features[0] = 1


def test_features_are_extracted_once(tmp_path: Path) -> None:
    first, lines = Spelling(), list[str]()
    kept = cached(tmp_path, first)
    assert first.seen == COUNT + 1  # one image tells the width
    assert cached(tmp_path, Spelling(), lines=lines).sha256 == kept.sha256
    assert seen_again(tmp_path, lines=lines) == 0
    assert lines == []


def test_a_whole_cache_need_not_be_writable(tmp_path: Path) -> None:
    cached(tmp_path, Spelling())
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "features").rglob("*")}
    cached(tmp_path, Spelling())
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "features").rglob("*")} == before


def test_what_they_are_made_from_decides_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(changed: Spelling, content: str = "c") -> int:
        cached(tmp_path, changed, Numbered(10, contents=content))
        return changed.seen

    def renamed() -> Spelling:
        spelling = Spelling()
        spelling.name = "spelling@16"
        return spelling

    assert (seen(Spelling()), seen(Spelling())) == (11, 0)
    assert (seen(Spelling(), "other images"), seen(Spelling(), "other images")) == (11, 0)
    for make in (renamed, lambda: Spelling("float16"), lambda: Spelling("bfloat16"), lambda: Spelling(weights="0123")):
        assert (seen(make()), seen(make())) == (11, 0)
    for part in (Spelling, images):
        monkeypatch.setattr(part, "version" if part is Spelling else "VERSION", 2)
        assert (seen(Spelling()), seen(Spelling())) == (11, 0)


def test_the_journal_says_what_the_features_are(tmp_path: Path) -> None:
    cached(tmp_path, Spelling("float16", weights="0123"))
    journal = json.loads((folder(tmp_path) / "parts.json").read_text())
    assert journal["layout"] == [COUNT, 2, "float16", PART_ROWS]
    made_from = journal["made_from"]
    assert (made_from["dataset"], made_from["images"], made_from["extractor"], made_from["weights"]) == (
        "numbered",
        "c",
        "spelling",
        "0123",
    )
    assert folder(tmp_path).name.startswith("numbered-spelling-")


def test_the_sum_follows_the_values(tmp_path: Path) -> None:
    class Negated(Spelling):
        def __call__(self, images: Images) -> Tensor:
            return -super().__call__(images)

    plain = cached(tmp_path / "a", Spelling()).sha256
    assert len(plain) == 64
    assert cached(tmp_path / "b", Spelling()).sha256 == plain
    assert cached(tmp_path / "c", Negated()).sha256 != plain


# Missing images


@pytest.mark.parametrize(
    "absent", [range(5), range(PART_ROWS - 3, PART_ROWS + 3), range(PART_ROWS, 2 * PART_ROWS), range(COUNT - 2, COUNT)]
)
def test_absent_images_are_nan_and_never_decoded(tmp_path: Path, absent: range) -> None:
    lines: list[str] = []
    features = cached(tmp_path, Spelling(), Numbered(absent=absent), lines).values
    gaps = np.isnan(features).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(gaps), np.array(absent))
    np.testing.assert_array_equal(features[~gaps] @ [1, 256], np.flatnonzero(~gaps))
    assert lines[0] == f"spelling of numbered: extracting {COUNT - len(absent):,} images"


def test_a_data_set_without_any_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Numbered: no image is on disk; run"):
        cached(tmp_path, Spelling(), Numbered(10, absent=range(10)))


def test_memory_is_bounded_by_parts(tmp_path: Path) -> None:
    width = 256

    class Wide(Spelling):
        def __call__(self, images: Images) -> Tensor:
            return super().__call__(images).repeat(1, width // 2)

    count = 20 * PART_ROWS
    tracemalloc.start()
    try:
        for _ in range(2):
            tracemalloc.reset_peak()
            features = cached(tmp_path, Wide(), Numbered(count)).values
            _, peak = tracemalloc.get_traced_memory()
            assert features.nbytes == 20 * PART_ROWS * width * 4
            assert peak < 5 * PART_ROWS * width * 4  # one being made, or two being checked
    finally:
        tracemalloc.stop()


class Mixed(Numbered):
    """Thumbnails first, then images of 1 MiB."""

    def images(self, items: Items) -> Images:
        small = super().images(items)
        return [image if item < 300 else image.repeat(1, 1 << 19, 1) for item, image in zip(items, small, strict=True)]


def test_blocks_are_bounded_in_images_and_in_bytes_whatever_came_before() -> None:
    blocks = list(_blocks(Mixed(500), {0: np.arange(500)}))
    assert np.array_equal(np.concatenate([block.items for block in blocks]), np.arange(500))
    assert len(blocks[0].items) == 256
    assert max(sum(image.nbytes for image in block.images) for block in blocks) <= (64 + DECODE_CHUNK_IMAGES) << 20


def test_the_disk_is_waited_for_at_the_end_and_every_few_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves: list[int] = []
    save = PartedArray.save

    def watched(array: PartedArray) -> None:
        saves.append(len(array.missing()))
        save(array)

    monkeypatch.setattr(PartedArray, "save", watched)
    cached(tmp_path / "fast", Spelling())
    assert saves == [3, 0]  # missing parts: the empty array, the whole one
    monkeypatch.setattr("hashbench.features.cache.SECONDS_BETWEEN_SAVES", 0.0)
    saves.clear()
    cached(tmp_path / "slow", Spelling())
    assert saves == [3, 2, 1, 0, 0]


def test_progress_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.util.progress.SECONDS_BETWEEN", 0.0)
    lines: list[str] = []
    cached(tmp_path, Spelling(), lines=lines)
    assert lines[0] == f"spelling of numbered: extracting {COUNT:,} images"
    assert re.fullmatch(rf"spelling of numbered: 256 of {COUNT:,} images, [\d,]+/s, \d+ s left", lines[1])
    assert lines[-1].startswith(f"spelling of numbered: {COUNT:,} images in 0 s, ")


def test_other_labels_of_the_same_images_extract_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Numbered, "image_content", lambda self: "images")
    seen_again(tmp_path, Numbered(contents="labels"))
    assert seen_again(tmp_path, Numbered(contents="corrected labels")) == 0
