"""MIRFlickr-25K: its protocols, its annotation files, missing images, and what is refused."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from hashbench.data.spec import open_dataset
from hashbench.dataset import Dataset, Split
from hashbench.errors import UsageError
from tests.datasets.flickr import ALL, ANNOTATIONS, CONCEPTS, write_annotations, write_images

GOLDEN_SPLITS = {"24": "b24c759fb688", "38": "f178d8d2b5d9"}
REAL_SPLITS = {"24": "d49d0233f9ba", "38": "1b694d43b3c0"}
REAL_SIZES = {"sky": 7_912, "people": 10_373, "people_r1": 7_849, "structures": 9_992, "baby_r1": 116}
PROTOCOLS = pytest.mark.parametrize("protocol", ["24", "38"])
LISTED = {"24": (2_000, 23_000, 5_000), "38": (1_000, 20_000, 4_000)}  # queries, database, train


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def listed(tmp_path: Path) -> dict[str, set[int]]:
    """Annotations and the images 1 to 5 and 401 under ``tmp_path``; returns which images each concept lists."""
    write_images(tmp_path / "mirflickr", [1, 2, 3, 4, 5, 401])
    return write_annotations(tmp_path / ANNOTATIONS)


@pytest.fixture
def real(data_root: Path) -> Path:
    """The folder with the real annotations and 20,000 of the images."""
    if not (data_root / "mirflickr").is_dir():
        pytest.skip("no MIRFlickr-25K here")
    return data_root


def opened(root: Path, protocol: str) -> Dataset:
    return open_dataset(f"flickr25k/{protocol}", root)


def split_sum(split: Split) -> str:
    whole = np.concatenate([split.query, split.database, split.train]).astype("<i8").tobytes()
    return hashlib.sha256(whole).hexdigest()[:12]


def check_split(dataset: Dataset) -> None:
    split, unlabelled = dataset.split(), set(np.flatnonzero(~dataset.labels().any(axis=1)).tolist())
    query, database, train = (set(part.tolist()) for part in (split.query, split.database, split.train))
    assert tuple(len(part) for part in split.parts().values()) == LISTED[dataset.protocol.name]
    assert (len(query), len(database), len(train)) == LISTED[dataset.protocol.name], "an item comes twice"
    assert not query & database
    assert not query & train
    assert not (query | train) & unlabelled
    assert unlabelled < database
    assert query | database | train == set(range(25_000))
    if dataset.protocol.name == "24":
        assert train < database
    else:
        assert not train & database
    for part in split.parts().values():
        assert part.dtype == np.int64
        assert abs(np.corrcoef(np.arange(len(part)), part)[0, 1]) < 0.1, "the order is not a permutation"


def test_24_concepts_are_the_first_protocol_and_both_are_scored_at_5000(
    tmp_path: Path, listed: dict[str, set[int]]
) -> None:
    dataset = open_dataset("flickr25k", tmp_path)
    assert [(protocol.name, protocol.cutoff) for protocol in dataset.protocols] == [("24", 5_000), ("38", 5_000)]
    assert dataset.protocol.name == "24"


@pytest.mark.parametrize(("protocol", "columns"), [("24", CONCEPTS), ("38", ALL)])
def test_labels_are_what_the_annotation_files_list(
    tmp_path: Path, listed: dict[str, set[int]], protocol: str, columns: list[str]
) -> None:
    dataset = opened(tmp_path, protocol)
    assert list(dataset.classes()) == columns
    assert dataset.labels().shape == (25_000, len(columns))
    for column, name in enumerate(columns):
        assert {int(item) + 1 for item in np.flatnonzero(dataset.labels()[:, column])} == listed[name]


@PROTOCOLS
def test_queries_and_train_are_labelled_and_the_unlabelled_stay_in_the_database(
    tmp_path: Path, listed: dict[str, set[int]], protocol: str
) -> None:
    check_split(opened(tmp_path, protocol))


@PROTOCOLS
def test_splits_never_change(tmp_path: Path, listed: dict[str, set[int]], protocol: str) -> None:
    assert split_sum(opened(tmp_path, protocol).split()) == GOLDEN_SPLITS[protocol]


def test_splits_do_not_depend_on_the_images_that_are_here(tmp_path: Path, listed: dict[str, set[int]]) -> None:
    before = split_sum(opened(tmp_path, "24").split())
    write_images(tmp_path / "mirflickr", range(500, 520))
    assert split_sum(opened(tmp_path, "24").split()) == before


def test_items_are_the_numbered_images(tmp_path: Path, listed: dict[str, set[int]]) -> None:
    dataset = opened(tmp_path, "24")
    assert len(dataset) == 25_000
    assert np.flatnonzero(dataset.present()).tolist() == [0, 1, 2, 3, 4, 400]
    assert dataset.names(np.array([16, 24_999])) == ["im17.jpg", "im25000.jpg"]
    assert [tuple(image.shape) for image in dataset.images(np.array([0, 1]))] == [(1, 4, 6), (3, 4, 6)]


def test_a_link_to_nothing_and_a_pipe_are_missing_images(tmp_path: Path, listed: dict[str, set[int]]) -> None:
    (tmp_path / "mirflickr" / "im1.jpg").unlink()
    os.mkfifo(tmp_path / "mirflickr" / "im1.jpg")
    (tmp_path / "mirflickr" / "im7.jpg").symlink_to("nowhere")
    assert np.flatnonzero(opened(tmp_path, "24").present()).tolist() == [1, 2, 3, 4, 400]


def test_annotations_may_lie_beside_the_images_or_inside_their_folder(
    tmp_path: Path, listed: dict[str, set[int]]
) -> None:
    beside = opened(tmp_path, "38")
    content, labels = beside.content(), beside.labels()
    (tmp_path / ANNOTATIONS).rename(tmp_path / "mirflickr" / ANNOTATIONS)
    inside = opened(tmp_path, "38")
    assert np.array_equal(inside.labels(), labels)
    assert inside.content() == content


def test_both_protocols_share_their_features(tmp_path: Path, listed: dict[str, set[int]]) -> None:
    assert opened(tmp_path, "24").content() == opened(tmp_path, "38").content()


def test_another_label_or_image_is_another_content(tmp_path: Path, listed: dict[str, set[int]]) -> None:
    contents = {opened(tmp_path, "24").content()}
    with (tmp_path / ANNOTATIONS / "sky.txt").open("a") as file:
        file.write("400\n")
    contents.add(opened(tmp_path, "24").content())
    (tmp_path / "mirflickr" / "im5.jpg").unlink()
    contents.add(opened(tmp_path, "24").content())
    assert len(contents) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("7\nim8.jpg\n", r"line 2 is 'im8\.jpg'"),
        ("0\n", "line 1 is '0'"),
        ("25001\n", "line 1 is '25001'"),
        ("-3\n", "line 1 is '-3'"),
        ("7\n\n8\n", "line 2 is ''"),
        ("", "line 1 is ''"),
        ("7\n8 9\n", "line 2 is '8 9'"),
        ("7\n1e3\n", "line 2 is '1e3'"),
        ("9\n7\n8\n7\n", "line 4: image 7 is listed a second time"),
    ],
)
def test_a_line_that_is_no_image_number_is_named(
    tmp_path: Path, listed: dict[str, set[int]], text: str, complaint: str
) -> None:
    (tmp_path / ANNOTATIONS / "sky.txt").write_text(text)
    with pytest.raises(UsageError, match=rf"sky\.txt, {complaint}.*prepare flickr25k"):
        opened(tmp_path, "24")


def test_bytes_that_are_no_text_are_named_too(tmp_path: Path, listed: dict[str, set[int]]) -> None:
    (tmp_path / ANNOTATIONS / "sky.txt").write_bytes(b"7\n\xff\xfe\n")
    with pytest.raises(UsageError, match=r"sky\.txt, line 2 is "):
        opened(tmp_path, "24")


def test_carriage_returns_and_a_missing_last_line_end_do_not_matter(
    tmp_path: Path, listed: dict[str, set[int]]
) -> None:
    file = tmp_path / ANNOTATIONS / "sky.txt"
    before = opened(tmp_path, "24").content()
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n").rstrip())
    assert opened(tmp_path, "24").content() == before


def test_missing_annotation_files_are_named(tmp_path: Path, listed: dict[str, set[int]]) -> None:
    for name in ("sea_r1.txt", "sky.txt"):
        (tmp_path / ANNOTATIONS / name).unlink()
    with pytest.raises(UsageError, match=rf"{ANNOTATIONS} lacks sea_r1\.txt, sky\.txt; .*prepare flickr25k"):
        opened(tmp_path, "24")


def test_absent_folders_are_named_with_the_way_out(tmp_path: Path, listed: dict[str, set[int]]) -> None:
    (tmp_path / ANNOTATIONS).rename(tmp_path / "away")
    with pytest.raises(UsageError, match=rf"{ANNOTATIONS} is not there; .*prepare flickr25k"):
        opened(tmp_path, "24")
    with pytest.raises(UsageError, match=r"mirflickr has none of the images .*prepare flickr25k.* --data"):
        opened(tmp_path / "nowhere", "24")


@PROTOCOLS
def test_the_real_annotations(real: Path, protocol: str) -> None:
    dataset = opened(real, protocol)
    labels = dataset.labels()
    assert int((~labels.any(axis=1)).sum()) == 419
    for name, size in REAL_SIZES.items():
        if name in dataset.classes():
            assert labels[:, dataset.classes().index(name)].sum() == size
    check_split(dataset)
    assert split_sum(dataset.split()) == REAL_SPLITS[protocol]


def test_the_real_images(real: Path) -> None:
    dataset = opened(real, "24")
    present = np.flatnonzero(dataset.present())
    assert len(present) in (20_000, 25_000), "a part of the images is neither set that is known"
    shown = dataset.images(present[:50])
    assert all(image.shape[0] in (1, 3) and image.float().std() > 5 for image in shown)
